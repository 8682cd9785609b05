import { LienThongError, type PolicyRulesView } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { dataTypeScope, PolicyRulesStore, systemScope, SystemStore } from '@lienthong/persistence';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { codePipe, dataTypePipe, slugPipe } from '../edge/path-pipes';
import { PolicyRulesDto, SystemPolicyRulesDto } from './manage-policies.dto';

/** Policy for the packets of a data type or a system, where their sources say nothing. The system's comes before the data type's. */
@ApiTags('administration')
@Step('manage-policies')
@Administrator()
@Controller('v1/admin')
export class ManagePoliciesController {
  constructor(
    private readonly rules: PolicyRulesStore,
    private readonly systems: SystemStore,
  ) {}

  @Get('data-types/:code/policy')
  @ApiOperation({ summary: 'Policy of a data type' })
  @ApiOkResponse(answer('PolicyRulesView', 'What is set; no rules where nothing is'))
  @Problems('not_found')
  ofDataType(@Param('code', dataTypePipe) code: string): Promise<PolicyRulesView> {
    return this.rules.view(dataTypeScope(code));
  }

  @Put('data-types/:code/policy')
  @ApiOperation({ summary: 'Set the policy of a data type, in place of the former' })
  @ApiOkResponse(answer('PolicyRulesView', 'What is set now'))
  @Problems('not_found')
  setOfDataType(@Param('code', dataTypePipe) code: string, @Body() body: PolicyRulesDto): Promise<PolicyRulesView> {
    return this.rules.set(dataTypeScope(code), { ...body });
  }

  @Get('systems/:code/:slug/policy')
  @ApiOperation({ summary: 'Policy of the packets that a system sends' })
  @ApiOkResponse(answer('PolicyRulesView', 'What is set; no rules where nothing is'))
  @Problems('not_found')
  async ofSystem(
    @Param('code', codePipe) code: string,
    @Param('slug', slugPipe) slug: string,
  ): Promise<PolicyRulesView> {
    return this.rules.view(await this.scopeOf(code, slug));
  }

  @Put('systems/:code/:slug/policy')
  @ApiOperation({ summary: 'Set the policy of the packets that a system sends, in place of the former' })
  @ApiOkResponse(answer('PolicyRulesView', 'What is set now'))
  @Problems('not_found')
  async setOfSystem(
    @Param('code', codePipe) code: string,
    @Param('slug', slugPipe) slug: string,
    @Body() body: SystemPolicyRulesDto,
  ): Promise<PolicyRulesView> {
    return this.rules.set(await this.scopeOf(code, slug), { ...body });
  }

  private async scopeOf(code: string, slug: string): Promise<string> {
    const system = await this.systems.find(`${code}/${slug}`);
    if (!system) throw new LienThongError('not_found');
    return systemScope(system.id);
  }
}
