/**
 * What every process of the platform is started with, here and on the stack. The AWS SDK announces at every start which Node its versions of 2027 will need.
 * This repository pins its version and says in package.json which Node it needs: nothing that an operator could act on.
 */
export const nodeEnv = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
