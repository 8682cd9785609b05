import type { PipeTransform } from '@nestjs/common';
import { isISO8601, Matches, ValidateBy } from 'class-validator';
import { RULE_TEXTS, ruleCode } from './rule-texts';
import { validationFailed } from './validation.pipe';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** ISO 8601 knows more: dates, weeks, days of the year, times without a zone. None of them is a time here. */
const isTime = (value: unknown): boolean =>
  typeof value === 'string' &&
  RFC_3339.test(value) &&
  isISO8601(value, { strict: true }) &&
  !Number.isNaN(Date.parse(value));

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
  transform: (body: unknown) => {
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
