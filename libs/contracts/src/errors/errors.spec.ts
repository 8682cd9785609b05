import { ERRORS } from './error-table';
import { LienThongError, problemOf } from './errors';

describe('errors', () => {
  it.each(Object.entries(ERRORS))('%s has texts in both languages with the same parameters', (_code, entry) => {
    const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).toSorted();
    expect(entry.title.vi).not.toBe('');
    expect(entry.title.en).not.toBe('');
    expect(names(entry.detail.vi)).toEqual(names(entry.detail.en));
  });

  it('fills the parameters in the language asked for and keeps the code', () => {
    const error = new LienThongError('body_too_large', { limit: 10, actual: 11 }, { limit: 10, actual: 11 });
    const problem = problemOf(error, 'vi', '/v1/packets');
    expect(problem).toMatchObject({
      status: 413,
      code: 'body_too_large',
      limit: 10,
      actual: 11,
      instance: '/v1/packets',
    });
    expect(problem.detail).toContain('dài 11 byte');
    expect(problemOf(error, 'en').detail).toContain('has 11 bytes');
  });
});
