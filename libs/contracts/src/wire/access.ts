/** The right to call another system's own service, given with a session (A1–A3). */
export interface AccessGrant {
  /** System id of the destination, as it is on record. */
  destination: string;
  /** JWS of the platform; `Authorization: Bearer` of requests to that destination, which the session's key signs. */
  accessToken: string;
  expiresAt: string;
}

/** Why a right to call a system was refused. `not_granted` also stands for a system that is not on record: systems cannot be counted so. */
export const ACCESS_REFUSALS = ['not_granted', 'agency_dissolved', 'system_suspended'] as const;
export type AccessRefusal = (typeof ACCESS_REFUSALS)[number];

export interface AccessCheckRequest {
  accessToken: string;
  /** The source's request to this system; with its `signature-input` and `signature` among the headers these are verified too. */
  request?: {
    method: string;
    /** As it was sent, without the query. */
    path: string;
    /** As it was sent, with or without its `?`; empty for none. */
    query?: string;
    headers: Record<string, string>;
  };
}

export type AccessCheckAnswer =
  | {
      active: true;
      source: { systemId: string; agencyCode: string; name: string };
      expiresAt: string;
    }
  /** `invalid_token`: unknown, made for another, expired or withdrawn, without telling which. Else what is wrong with the signed request. */
  | { active: false; code: string };

/** Answer of `POST /oauth2/token` (A7), in the words of RFC 6749 5.1. */
export interface TokenAnswer {
  access_token: string;
  token_type: 'Bearer';
  /** Seconds. */
  expires_in: number;
  /** Data services (data types), separated by spaces; `*` stands for all. */
  scope: string;
}
