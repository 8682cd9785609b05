import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { Admission } from './admission/admission';
import { HealthChecks } from './health/health-checks';
import { Metrics } from './health/metrics';
import { ProblemFilter } from './http/problem.filter';
import { RateLimits } from './http/rate-limit';
import { StepNaming } from './http/request-log';
import { StrictValidationPipe } from './validation/validation.pipe';
import { Log } from './log';
import { Shutdown } from './shutdown';

/** What every module of a process may inject: `Log`, `HealthChecks`, `Metrics`, `RateLimits`, `Admission`, `Shutdown`; and what every route has: filter, validation, step name. */
@Module({})
// oxlint-disable-next-line typescript/no-extraneous-class -- the shape that Nest gives to a dynamic module
export class RuntimeModule {
  /** @param app the app's module: under this one, so that the guard that names steps comes before every guard of the app */
  static with(
    log: Log,
    shutdown = new Shutdown(),
    app?: DynamicModule | Type,
    limits = new RateLimits({ perAddress: 0, perKey: 0 }),
    admission = new Admission({ lagMs: Infinity, targetMs: Infinity }),
  ): DynamicModule {
    const shared = [
      { provide: Log, useValue: log },
      { provide: Shutdown, useValue: shutdown },
      { provide: HealthChecks, useValue: new HealthChecks(shutdown) },
      { provide: Metrics, useClass: Metrics },
      { provide: RateLimits, useValue: limits },
      { provide: Admission, useValue: admission },
    ];
    return {
      module: RuntimeModule,
      global: true,
      imports: app ? [app] : [],
      providers: [
        ...shared,
        { provide: APP_FILTER, useFactory: () => new ProblemFilter(log) },
        { provide: APP_GUARD, useClass: StepNaming },
        { provide: APP_PIPE, useClass: StrictValidationPipe },
      ],
      exports: shared.map(({ provide }) => provide),
    };
  }
}
