export interface ErrorEntry {
  status: number;
  title: { vi: string; en: string };
  /** What happened and what to do next; `{name}` is filled from the error's parameters. */
  detail: { vi: string; en: string };
}

/** A row of the table of errors. */
export const entry = (status: number, viTitle: string, enTitle: string, vi: string, en: string): ErrorEntry => ({
  status,
  title: { vi: viTitle, en: enTitle },
  detail: { vi, en },
});
