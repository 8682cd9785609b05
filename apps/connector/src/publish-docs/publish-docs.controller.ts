import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LienThongError } from '@lienthong/contracts';
import { Public } from '@lienthong/identity';
import { Step } from '@lienthong/runtime';
import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';

const DOCS = join(__dirname, '../../../../docs');
const UI = dirname(require.resolve('swagger-ui-dist/package.json'));
const UI_FILES: Record<string, string> = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' };

const page = (title: string, body: string) => `<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Liên Thông – ${title}</title>
<link rel="stylesheet" href="/docs/ui/swagger-ui.css">
<style>
  body { margin: 0 auto; max-width: 1460px; font-family: sans-serif }
  nav { padding: 1em 20px } nav a { margin-right: 1.5em }
  pre { padding: 0 20px; font-size: 14px; line-height: 1.45; white-space: pre-wrap } pre b { color: #0a58ca }
  .auth-wrapper, .scheme-container { display: none !important }
</style>
</head>
<body>
<nav>
  <a href="/docs">HTTP (OpenAPI)</a><a href="/docs/asyncapi">WebSocket (AsyncAPI)</a>
  <a href="/docs/openapi.json">openapi.json</a><a href="/docs/asyncapi.yaml">asyncapi.yaml</a>
</nav>
${body}
</body>
</html>
`;
const OPENAPI_PAGE = page(
  'HTTP',
  '<div id="ui"></div><script src="/docs/ui/swagger-ui-bundle.js"></script><script src="/docs/ui/start.js"></script>',
);
const START = `SwaggerUIBundle({ url: '/docs/openapi.json', dom_id: '#ui', supportedSubmitMethods: [], defaultModelsExpandDepth: 0 });\n`;

/** YAML is made to be read: its names stand out, the rest is as it is. */
function asyncapiPage(yaml: string): string {
  const text = yaml.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return page('WebSocket', `<pre>${text.replaceAll(/^( *(?:- )?)([\w.$/-]+:)/gm, '$1<b>$2</b>')}</pre>`);
}

/** The published technical documents (TQ Art. 9.2), as files of the repository: `docs/openapi.json` is made from the code, `docs/asyncapi.yaml` checked against the frames. */
@ApiExcludeController()
@Public()
@Step('publish-docs')
@Controller('docs')
export class PublishDocsController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return OPENAPI_PAGE;
  }

  @Get('asyncapi')
  @Header('Content-Type', 'text/html; charset=utf-8')
  asyncapiPage(): string {
    return asyncapiPage(this.asyncapi());
  }

  @Get('openapi.json')
  @Header('Content-Type', 'application/json')
  openapi(): string {
    return readFileSync(join(DOCS, 'openapi.json'), 'utf8');
  }

  @Get('asyncapi.yaml')
  @Header('Content-Type', 'application/yaml; charset=utf-8')
  asyncapi(): string {
    return readFileSync(join(DOCS, 'asyncapi.yaml'), 'utf8');
  }

  @Get('ui/:file')
  ui(@Param('file') file: string, @Res() res: Response): void {
    if (file === 'start.js') {
      res.type('text/javascript').send(START);
      return;
    }
    if (!(file in UI_FILES)) throw new LienThongError('not_found');
    res.type(UI_FILES[file]).send(readFileSync(join(UI, file)));
  }
}
