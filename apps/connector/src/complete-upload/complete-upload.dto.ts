import { type CompleteRequest, LIMITS } from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { PolicyDto } from '../policy.dto';

export class UploadedPartDto {
  @ApiProperty()
  @IsString()
  @MaxLength(LIMITS.partNameCharacters)
  part!: string;

  @ApiProperty({ type: [String], description: 'ETag of each piece, in the order of the part numbers' })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(10_000)
  @IsString({ each: true })
  @MaxLength(200, { each: true })
  etags!: string[];
}

export class CompleteDto implements CompleteRequest {
  @ApiPropertyOptional({ type: PolicyDto })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => PolicyDto)
  policy?: PolicyDto;

  @ApiPropertyOptional({ type: [UploadedPartDto] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(LIMITS.parts)
  @ValidateNested({ each: true })
  @Type(() => UploadedPartDto)
  multipart?: UploadedPartDto[];
}
