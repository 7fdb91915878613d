// An unmodified SDK: everything about the gateway stands in the environment.
const { DynamoDBClient, GetItemCommand } = require('@aws-sdk/client-dynamodb');

new DynamoDBClient({})
  .send(new GetItemCommand({ TableName: 'orders', Key: { id: { S: process.argv[2] || '1001' } } }))
  .then((answer) => console.log(JSON.stringify(answer.Item, null, 2)))
  .catch((error) => { console.error(`${error.name}: ${error.message}`); process.exit(1); });
