import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';

/** One rule of one property of a request, as its decorator was told it. */
export interface FieldRule {
  property: string;
  /** Of class-validator, such as `isInt`. */
  name: string;
  constraints: readonly unknown[];
  /** Holds for each item of a list. */
  each: boolean;
}

/** The rules that `StrictValidationPipe` holds a class of requests to; none for a class that is no request. */
export const rulesOf = (dto: Type): FieldRule[] =>
  getMetadataStorage()
    .getTargetValidationMetadatas(dto, '', false, false)
    .map(({ propertyName, name, constraints, each }) => ({
      property: propertyName,
      name: name ?? '',
      constraints: constraints ?? [],
      each,
    }));
