export { signatureAlgorithmNames, type Algorithm, verifyAgainstNothing, verifySignature } from './requests/algorithms';
export { contentDigest } from './requests/content-digest';
export { type Difference, explainRequest, type Explanation, type RequestToExplain } from './requests/explain-request';
export { requestOfText } from './requests/http-text';
export {
  parseSignature,
  readSignature,
  readSignatureOfHeaders,
  type ReceivedRequest,
  type ReceivedSignature,
} from './requests/read-signature';
export { weaknessOf } from './requests/rsa-key';
export {
  signatureBase,
  signRequest,
  type RequestToSign,
  type SigningKey,
  type SigningOptions,
} from './requests/sign-request';
export { SignatureError, type SignatureErrorCode } from './requests/signature-error';
export { newPlatformKey, platformKeyOf, type PlatformKey } from './receipts/platform-key';
export { receiptHash, signReceipt } from './receipts/sign-receipt';
export { verifyReceipts, type ReceiptProblem, type ReceiptsToVerify } from './receipts/verify-receipts';
export { canonicalEntry, leafHash, type AuditEntry } from './audit/entry';
export { signCheckpoint, signTombstone, type Checkpoint, type Tombstone } from './audit/checkpoint';
export {
  consistencyProof,
  GrowingTree,
  inclusionProof,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './audit/tree';
export { verifyAuditRange, type AuditLine, type AuditVerdict } from './audit/verify-audit';
export { JOSE_ALGORITHMS, signAssertion, verifyAssertion } from './access/assertion';
export { ACCESS_TOKEN, BEARER_TOKEN, signToken, tokenKeyOf, verifyToken, type TokenClaims } from './access/token';
