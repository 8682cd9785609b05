// The three workloads. The platform and the raw pipeline run the same: bytes, recipients, packets in flight, limits.
const KiB = 1024;

export const WORKLOADS = {
  inline: {
    title: '16 KiB inline, 1 recipient',
    protocol: 'inline',
    bytes: 16 * KiB,
    recipients: 1,
    inFlight: 16,
    maxPackets: 20_000,
  },
  put: {
    title: '400 KiB by presigned PUT, 4 recipients',
    protocol: 'put',
    bytes: 400 * KiB,
    recipients: 4,
    inFlight: 8,
    maxPackets: 5_000,
  },
  multipart: {
    title: '64 MiB multipart, 1 recipient',
    protocol: 'multipart',
    bytes: 64 * KiB * KiB,
    recipients: 1,
    inFlight: 2,
    maxPackets: 200,
  },
};

/** Piece of a multipart upload, as the platform's storage cuts 64 MiB. */
export const PIECE_BYTES = 16 * KiB * KiB;
/** Pieces of one packet that are on their way at a time, as in the published client. */
export const PIECES_AT_ONCE = 4;
export const STEADY_PER_SECOND = 20;
