import { Presets, SingleBar } from 'cli-progress';
import type { TransferProgress } from '../transport/transfer-progress';
import type { CliContext } from './cli-context';

/** A bar on the terminal for what is being hashed, sent or fetched; without a terminal nothing. On stderr, so that results stay clean. */
export class ProgressBar {
  private bar: SingleBar | undefined;
  private phase: TransferProgress['phase'] | undefined;

  constructor(
    private readonly cli: CliContext,
    private readonly hashSize?: number,
  ) {}

  readonly onProgress = (progress: TransferProgress): void => {
    const { stderr } = this.cli.surroundings;
    if (!stderr.isTTY) return;
    if (progress.phase !== this.phase) this.begin(progress, stderr);
    this.bar?.update(progress.bytes, { part: progress.part, done: this.cli.out.bytes(progress.bytes) });
  };

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
    this.phase = undefined;
  }

  private begin({ phase, part, bytes, size = this.hashSize }: TransferProgress, stream: NodeJS.WritableStream): void {
    this.stop();
    this.phase = phase;
    if (!size) return;
    const { say, out } = this.cli;
    const title = {
      hash: say('Tính mã băm', 'Hashing'),
      upload: say('Tải lên', 'Uploading'),
      download: say('Tải về', 'Downloading'),
    }[phase];
    const format = `${title} {bar} {percentage}%  {done}/${out.bytes(size)}  {part}`;
    this.bar = new SingleBar(
      { format, stream, clearOnComplete: true, hideCursor: true, fps: 8 },
      Presets.shades_classic,
    );
    this.bar.start(size, bytes, { part, done: out.bytes(bytes) });
  }
}
