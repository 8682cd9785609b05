export const startGateway = async () => {};
export const stopGateway = async () => {};
