/** Registry tables that the ORM reads and writes as entities; the exchange's tables are written by the statements of their stores. */
export const ENTITIES = [];
