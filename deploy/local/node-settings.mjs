// What every process of the platform is started with, here and on the stack; docs/operator.md has it for other supervisors.

/**
 * A young generation of 3 × 4 MiB instead of 3 × 16: requests and tasks are short and make little garbage each, and the rest would only be memory
 * that is touched once and never given back (about 25 MiB of the resident size; CPU the same within the noise).
 */
export const nodeFlags = ['--max-semi-space-size=4'];

/**
 * The AWS SDK announces at every start which Node its versions of 2027 will need. This repository pins its version and says in package.json which Node it
 * needs: nothing that an operator could act on.
 */
export const nodeEnv = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
