// The demo's bare targets: dynalite (DynamoDB) and s3rver (S3), on loopback, in one process. Arguments: DynamoDB port,
// S3 port, folder for objects. Packages come from NODE_PATH. Prints "ready" once both listen.
const dynalite = require('dynalite');
const S3rver = require('s3rver');

const [dynamodbPort, s3Port, folder] = process.argv.slice(2);

const dynamodb = dynalite({ path: folder + '/dynamodb', createTableMs: 50, deleteTableMs: 50, updateTableMs: 50 });
const s3 = new S3rver({
  address: '127.0.0.1',
  port: Number(s3Port),
  directory: folder + '/s3',
  silent: true,
  resetOnClose: false,
  configureBuckets: [{ name: 'reports' }],
});

dynamodb.listen(Number(dynamodbPort), '127.0.0.1', async (error) => {
  if (error) throw error;
  await s3.run();
  console.log('ready');
});
// What one strange request does to these servers (a key longer than a file's name may be) must not end the demo.
process.on('uncaughtException', (error) => console.error('a target failed: ' + error.message));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
