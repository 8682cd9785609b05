import { S3ServiceException } from '@aws-sdk/client-s3';
import { storageError } from './s3-errors';

const refused = (name: string, httpStatusCode: number) =>
  new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode }, message: name });

describe('A refusal of the store', () => {
  it.each([
    ['for a clock that is wrong', 'RequestTimeTooSkewed', 403, 'unavailable'],
    ['for a clock that is wrong, to a HEAD', 'Unknown', 403, 'unavailable'],
    ['for too much at once', 'SlowDown', 503, 'unavailable'],
    ['for want of space', 'XMinioStorageFull', 507, 'storage_full'],
  ])('%s is told as what it is, and why is kept', (_, name, status, code) => {
    const error = refused(name, status);
    expect(storageError(error)).toMatchObject({ code, cause: error });
  });

  it('for rights that are missing stays as it came: waiting does not mend it', () => {
    const error = refused('AccessDenied', 403);
    expect(storageError(error)).toBe(error);
  });
});
