import { type NewKey, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '@lienthong/contracts';
import { IsTime } from '@lienthong/runtime';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayNotEmpty, ArrayUnique, IsArray, IsBoolean, IsIn, IsString, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../edge/registry-rules';

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
}
