import {
  type IssuedKey,
  type KeyView,
  type NewKey,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
} from '@lienthong/contracts';
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

export class IssuedKeyAnswer implements IssuedKey {
  @ApiProperty() accessKey!: string;
  @ApiPropertyOptional({ description: 'With HMAC: shown this once. The key is the UTF-8 bytes of this text' })
  secretKey?: string;
  @ApiProperty() systemId!: string;
  @ApiProperty({ enum: SIGNATURE_ALGORITHMS, isArray: true }) algorithms!: SignatureAlgorithm[];
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) expiresAt!: string | null;
}

export class KeyAnswer implements KeyView {
  @ApiProperty() accessKey!: string;
  @ApiProperty() systemId!: string;
  @ApiProperty({ enum: SIGNATURE_ALGORITHMS, isArray: true }) algorithms!: SignatureAlgorithm[];
  @ApiProperty() bearer!: boolean;
  @ApiProperty({ format: 'date-time' }) createdAt!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) expiresAt!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) revokedAt!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'To the minute' })
  lastUsedAt!: string | null;
}

export class KeyPage {
  @ApiProperty({ type: [KeyAnswer] }) items!: KeyView[];
  @ApiProperty({ type: String, nullable: true, description: 'Always null: a system has few keys' })
  nextCursor!: string | null;
}
