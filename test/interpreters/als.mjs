// Runs one execution on the npm package aws-local-stepfunctions: a request on standard input, the outcome on standard
// output. The functions are those of the double, which the environment's AWS_ENDPOINT_URL names.
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const packages = createRequire(process.argv[2]);
const { StateMachine } = await import(pathToFileURL(packages.resolve('aws-local-stepfunctions')));

const request = JSON.parse(await text(process.stdin));
const options = {
  awsConfig: {
    region: 'us-east-1',
    credentials: { accessKeys: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' } },
  },
};

// What a function finds of this execution in the double is a stand-in that waits until it is stopped.
async function standIn(operation, input) {
  const response = await fetch(process.env.AWS_ENDPOINT_URL, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.0',
      'X-Amz-Target': `AWSStepFunctions.${operation}`,
      Authorization: 'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20000101/us-east-1/states/aws4_request',
    },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw new Error(`${operation}: ${await response.text()}`);
  return response.json();
}

async function run(definition, input, context, handlers = {}) {
  const execution = new StateMachine(definition, options).run(input, {
    context,
    overrides: { taskResourceLocalHandlers: handlers },
  });
  const states = [];
  const watched = (async () => {
    for await (const event of execution.eventLogs) {
      if (event.type === 'StateEntered') states.push(event.state.name);
    }
  })();
  try {
    const output = await execution.result;
    await watched;
    return { status: 'SUCCEEDED', output, states };
  } catch (e) {
    await watched;
    return { status: 'FAILED', error: e.cause?.name ?? e.name, cause: e.cause?.message ?? e.message, states };
  }
}

const children = [];
const handlers = request.child && {
  // startExecution.sync:2, whose answer is DescribeExecution's with Output as JSON.
  async ImportJob({ StateMachineArn, Name, Input }) {
    const { executionArn } = await standIn('StartExecution', {
      stateMachineArn: StateMachineArn, name: Name, input: JSON.stringify(Input),
    });
    const context = { Execution: { Name, RedriveCount: 0 }, StateMachine: { Id: StateMachineArn } };
    const child = await run(request.child, Input, context);
    children.push(child.states);
    await standIn('StopExecution', { executionArn });
    if (child.status === 'SUCCEEDED') return { Status: child.status, Output: child.output };
    throw Object.assign(new Error(child.cause), { name: 'States.TaskFailed' });
  },
};
const outcome = await run(request.definition, request.input, request.context, handlers);
console.log(JSON.stringify({ ...outcome, children }));
