import { LIMITS, type PolicyRules, type SystemPolicyRules } from '@lienthong/contracts';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsInt, IsNumber, Max, Min } from 'class-validator';
import { MayBeAbsent } from '../edge/registry-rules';

const QUOTA_MAX = 1_000_000_000;

/** What is left out is not set: the platform's own value holds. */
export class PolicyRulesDto implements PolicyRules {
  @ApiPropertyOptional({ minimum: 1, maximum: LIMITS.deliverBySecondsMax, description: 'From the completion on' })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(LIMITS.deliverBySecondsMax)
  deliverBySeconds?: number;

  @ApiPropertyOptional({
    minimum: 1,
    maximum: LIMITS.deliverBySecondsMax,
    description: 'How far off a deadline may be; never beyond the platform’s own bound',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(LIMITS.deliverBySecondsMax)
  deliverBySecondsMax?: number;

  @ApiPropertyOptional({ minimum: 0, maximum: LIMITS.keepAfterConfirmSeconds })
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(LIMITS.keepAfterConfirmSeconds)
  keepAfterConfirmSeconds?: number;

  @ApiPropertyOptional({ type: [Number], maxItems: 10, description: 'Fractions of the time to the deadline' })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(10)
  @IsNumber({}, { each: true })
  @Min(0, { each: true })
  @Max(1, { each: true })
  warnAt?: number[];

  @ApiPropertyOptional()
  @MayBeAbsent()
  @IsBoolean()
  allowPartial?: boolean;
}

export class SystemPolicyRulesDto extends PolicyRulesDto implements SystemPolicyRules {
  @ApiPropertyOptional({
    minimum: 0,
    maximum: QUOTA_MAX,
    description: 'Packets above normal that it may open in a window of the quota; more are taken as normal',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(QUOTA_MAX)
  urgentQuota?: number;
}
