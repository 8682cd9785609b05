import type { Remedy } from '@lienthong/contracts';

/** What its source can do with a delivery that has ended without acceptance. */
export const AFTER_THE_END: Remedy[] = ['resend', 'other_address'];
