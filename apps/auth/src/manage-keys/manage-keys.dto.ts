import { type KeyRotation, type NewKey, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '@lienthong/contracts';
import { IsTime } from '@lienthong/runtime';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { MayBeAbsent } from '../edge/registry-rules';

/** 90 days. */
const MAX_OVERLAP_SECONDS = 7_776_000;
const RSA_ALGORITHMS = SIGNATURE_ALGORITHMS.filter((alg) => alg.startsWith('rsa-'));

export class NewKeyDto implements NewKey {
  @ApiProperty({
    enum: SIGNATURE_ALGORITHMS,
    isArray: true,
    description:
      'Either HMAC, with a secret made here, or RSA, with your public key. hmac-sha1 only for what cannot do better',
  })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(SIGNATURE_ALGORITHMS, { each: true })
  algorithms!: SignatureAlgorithm[];

  @ApiPropertyOptional({ description: 'With RSA: SPKI PEM, 2048 to 8192 bits', maxLength: 4096 })
  @MayBeAbsent()
  @IsString()
  @MaxLength(4096)
  publicKeyPem?: string;

  @ApiPropertyOptional({ default: false, description: 'May be exchanged for bearer tokens' })
  @MayBeAbsent()
  @IsBoolean()
  bearer?: boolean;

  @ApiPropertyOptional({ format: 'date-time', description: 'After this it is refused' })
  @MayBeAbsent()
  @IsTime()
  expiresAt?: string;

  @ApiPropertyOptional({
    format: 'date-time',
    description: 'With hmac-sha1, and required then: until when that is taken, a year at most',
  })
  @MayBeAbsent()
  @IsTime()
  legacyUntil?: string;
}

export class KeyRotationDto implements KeyRotation {
  @ApiPropertyOptional({
    minimum: 0,
    maximum: MAX_OVERLAP_SECONDS,
    default: 604_800,
    description: 'How long the former key still holds; 0: it ends now',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(MAX_OVERLAP_SECONDS)
  overlapSeconds?: number;

  @ApiPropertyOptional({ description: 'With RSA: the new public key, SPKI PEM', maxLength: 4096 })
  @MayBeAbsent()
  @IsString()
  @MaxLength(4096)
  publicKeyPem?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'When the new key ends' })
  @MayBeAbsent()
  @IsTime()
  expiresAt?: string;
}

/** What a system registers by itself: the public half of a pair that it made. */
export class OwnPublicKeyDto {
  @ApiProperty({ enum: RSA_ALGORITHMS, isArray: true })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(RSA_ALGORITHMS, { each: true })
  algorithms!: SignatureAlgorithm[];

  @ApiProperty({ description: 'SPKI PEM, 2048 to 8192 bits; 3072 or more is recommended', maxLength: 4096 })
  @IsString()
  @MaxLength(4096)
  publicKeyPem!: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'After this it is refused' })
  @MayBeAbsent()
  @IsTime()
  expiresAt?: string;
}
