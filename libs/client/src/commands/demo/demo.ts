import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { UsageError } from '../../terminal/failure';
import { DemoParties } from './demo-parties';
import { sevenSteps } from './demo-steps';

/** One line of the demonstration; milliseconds that this step took. */
export interface DemoStep {
  step: string;
  text: string;
  ms: number;
}

export function demoCommand(cli: CliContext): Command {
  const { say, out } = cli;
  return new Command('demo')
    .description(
      say(
        'Chạy thử bảy bước S1–S7 trên nền tảng đang chạy, giữa hai cơ quan mẫu',
        'Run the seven steps S1–S7 on a running platform, between two sample agencies',
      ),
    )
    .option('--wait <seconds>', say('chờ mỗi bước tối đa', 'longest wait for a step'), '30')
    .option('--size <KiB>', say('cỡ tệp mẫu', 'size of the sample file'), '300')
    .action(async (flags: { wait: string; size: string }) => {
      const [waitMs, size] = [flags.wait, flags.size].map((text) => positive(text, cli) * 1000);
      const steps: DemoStep[] = [];
      const told = (step: DemoStep): void => {
        steps.push(step);
        out.line(
          `${out.style('green', '✓')} ${out.style('bold', step.step.padEnd(2))}  ${step.text}  ${out.style('dim', `${step.ms} ms`)}`,
        );
      };
      const started = performance.now();
      const folder = await mkdtemp(join(tmpdir(), 'lienthong-demo-'));
      const parties = new DemoParties(cli);
      let packetId: string;
      try {
        await parties.prepare(told);
        packetId = await sevenSteps(cli, parties, { content: randomBytes((size / 1000) * 1024), folder, waitMs, told });
      } finally {
        await parties.leave();
        await rm(folder, { recursive: true, force: true });
      }
      const ms = Math.round(performance.now() - started);
      out.result({ ok: true, packetId, ms, steps }, () =>
        out.style(
          'green',
          say(
            `Xong sau ${ms} ms: gói tin ${packetId} đã đi hết bảy bước, nội dung đã xóa, bằng chứng hợp lệ.`,
            `Done in ${ms} ms: packet ${packetId} took all seven steps, its content is gone, the evidence is valid.`,
          ),
        ),
      );
    });
}

function positive(text: string, { say }: CliContext): number {
  const number = Number(text);
  if (!(number > 0)) throw new UsageError(say(`"${text}" phải là số dương.`, `"${text}" must be a positive number.`));
  return number;
}
