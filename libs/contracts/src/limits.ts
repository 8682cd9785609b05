const MiB = 1024 * 1024;
const hour = 3600;

/** Every limit of the wire (protocol 1): served by `GET /v1/limits`, written into the OpenAPI document, quoted by the error that reports it. */
export const LIMITS = {
  jsonBodyBytes: MiB,
  inlineContentBytes: 256 * 1024,
  parts: 100,
  recipients: 1000,
  partBytes: 50 * 1024 * MiB,
  titleCharacters: 500,
  partNameCharacters: 255,
  reasonCharacters: 2000,
  idempotencyKeyCharacters: 255,
  listItems: 500,
  listItemsDefault: 50,
  confirmationsAtOnce: 100,
  keepAfterConfirmSeconds: 86_400,
  spaceSeconds: 24 * hour,
  uploadAddressSeconds: hour,
  downloadAddressSeconds: 15 * 60,
  deliverBySecondsDefault: 5 * 24 * hour,
  deliverBySecondsMax: 30 * 24 * hour,
  sessionSeconds: hour,
  signatureWindowSeconds: 300,
  eventsKeptSeconds: 30 * 24 * hour,
  eventsInFlight: 100,
  pollWaitSeconds: 25,
  heartbeatSeconds: 25,
  streamTicketSeconds: 30,
  streamFrameBytes: 4096,
  streamsPerSystem: 8,
  webhookUrlCharacters: 2048,
  webhookAnswerSeconds: 10,
} as const;

export type Limits = typeof LIMITS;
