import type { PipeTransform } from '@nestjs/common';
import { isISO8601, Matches, ValidateBy } from 'class-validator';
import { RULE_TEXTS, ruleCode } from './rule-texts';
import { refuseNoObject, validationFailed } from './validation.pipe';

/** Offsets as they exist: PostgreSQL takes none beyond 15:59. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-](0\d|1[0-4]):[0-5]\d)$/;
/** There is no year 0 in PostgreSQL, and in RFC 3339 none of five digits, in whatever zone it is read. */
const [FIRST, LAST] = ['0001-01-02T00:00:00Z', '9999-12-30T23:59:59Z'].map((time) => Date.parse(time));

/** ISO 8601 knows more: dates, weeks, days of the year, times without a zone. None of them is a time here. */
const isTime = (value: unknown): boolean =>
  typeof value === 'string' &&
  RFC_3339.test(value) &&
  isISO8601(value, { strict: true }) &&
  Date.parse(value) >= FIRST &&
  Date.parse(value) <= LAST;

/** A moment that exists, as RFC 3339 writes it (protocol 1). */
export const IsTime = () =>
  ValidateBy({
    name: 'isRFC3339',
    // A rule without words of its own loses its context in class-validator.
    validator: { validate: isTime, defaultMessage: () => 'must be an RFC 3339 time' },
  });

/** A text of this form; a reader is told in words what it is, not by a regular expression. */
export const HasForm = (form: RegExp, vi: string, en: string) => Matches(form, { context: { vi, en } });

/**
 * `@Body(NoFields) _body: unknown`: for routes that are told everything by their path. A class without rules would not do:
 * class-validator takes it for a mistake.
 */
export const NoFields: PipeTransform = {
  transform: (body: unknown, metadata) => {
    refuseNoObject(body, metadata);
    const names = Object.keys(body ?? {});
    if (names.length > 0) throw validationFailed(names.map(unknownField));
    return body;
  },
};

const unknownField = (name: string) => ({
  pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  code: ruleCode('whitelistValidation'),
  message: RULE_TEXTS.whitelistValidation,
});
