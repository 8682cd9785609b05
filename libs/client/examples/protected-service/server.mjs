// A system's own HTTP service, open to the systems that the platform grants it, and to nobody else.
import { createServer } from 'node:http';
import { LienThongClient } from '@lienthong/client';
import { lienthongMiddleware } from '@lienthong/client/protect';

const { LIENTHONG_URL: baseUrl, ACCESS_KEY: accessKey, SECRET_KEY: secretKey, PORT = '0' } = process.env;
const protect = lienthongMiddleware({ client: new LienThongClient({ baseUrl, accessKey, secretKey }) });

const server = createServer((request, response) =>
  protect(request, response, (error) => {
    response.writeHead(error ? (error.statusCode ?? 500) : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(error ? {} : { caller: request.source, received: request.body ?? null }));
  }),
);
server.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
