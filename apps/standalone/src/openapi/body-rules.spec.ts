import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayNotEmpty, IsInt, IsOptional, Matches, MaxLength, ValidateNested } from 'class-validator';
import { requestClasses, tellRules } from './body-rules';

class PartDto {
  @ApiProperty()
  @Matches(/^[a-z]+$/)
  name!: string;
}
class SendDto {
  @ApiProperty({ type: [PartDto] })
  @ArrayNotEmpty()
  @ValidateNested({ each: true })
  @Type(() => PartDto)
  parts!: PartDto[];

  @ApiPropertyOptional({ type: PartDto })
  @IsOptional()
  cover?: PartDto;

  @ApiProperty({ type: [String] })
  @MaxLength(5, { each: true })
  to!: string[];

  @ApiPropertyOptional()
  @IsOptional()
  @IsInt()
  size?: number;

  @ApiPropertyOptional()
  @IsOptional()
  priority?: string;

  @ApiProperty()
  @Matches(/^[^\p{Cc}]*$/u)
  title!: string;
}
class SendController {
  send(_body: SendDto): void {}
}
Reflect.defineMetadata('design:paramtypes', [SendDto], SendController.prototype, 'send');

describe('the rules of requests in the OpenAPI document', () => {
  const classes = requestClasses(new Map([['SendController_send', [SendController, {}]]]));

  it('are those of the classes that handlers take, and of the classes within', () => {
    expect([...classes]).toEqual([SendDto, PartDto]);
  });

  it('are told: unknown fields refused, forms, lengths, whole numbers, and null where it counts as left out', () => {
    const text = { type: 'string' };
    const schemas = {
      PartDto: { type: 'object', properties: { name: text } },
      SendDto: {
        type: 'object',
        properties: {
          parts: { type: 'array', items: { $ref: '#/PartDto' } },
          cover: { $ref: '#/PartDto' },
          to: { type: 'array', items: text },
          size: { type: 'number' },
          priority: { type: 'string', enum: ['normal'] },
          title: text,
        },
      },
      Other: { type: 'object', properties: { name: text } },
    };
    tellRules(schemas, classes);
    expect(schemas).toEqual({
      PartDto: {
        type: 'object',
        additionalProperties: false,
        properties: { name: { type: 'string', pattern: '^[a-z]+$' } },
      },
      SendDto: {
        type: 'object',
        additionalProperties: false,
        properties: {
          parts: { type: 'array', items: { $ref: '#/PartDto' }, minItems: 1 },
          cover: { allOf: [{ $ref: '#/PartDto' }], nullable: true },
          to: { type: 'array', items: { type: 'string', maxLength: 5 } },
          size: { type: 'integer', nullable: true },
          priority: { type: 'string', enum: ['normal', null], nullable: true },
          title: { type: 'string' },
        },
      },
      Other: { type: 'object', properties: { name: text } },
    });
  });
});
