// What a user does, by the TypeScript client of the protocol's makers: ask, wait, read, look around.
//
// node flow.mjs '{"sdk": 1 | 2, "era": "legacy" | "auto", "url", "key"} or {…, "command", "args", "env"}'
// Prints what came out as one line of JSON.
const asked = JSON.parse(process.argv[2]);
const from = asked.sdk === 1
  ? { client: '@modelcontextprotocol/sdk/client/index.js',
      stdio: '@modelcontextprotocol/sdk/client/stdio.js',
      http: '@modelcontextprotocol/sdk/client/streamableHttp.js' }
  : { client: '@modelcontextprotocol/client',
      stdio: '@modelcontextprotocol/client/stdio',
      http: '@modelcontextprotocol/client' };
const { Client } = await import(from.client);

async function transport() {
  if (asked.url) {
    const { StreamableHTTPClientTransport } = await import(from.http);
    const headers = { Authorization: `Bearer ${asked.key}` };
    return new StreamableHTTPClientTransport(new URL(asked.url), { requestInit: { headers } });
  }
  const { StdioClientTransport } = await import(from.stdio);
  const { command, args, env } = asked;
  return new StdioClientTransport({ command, args, env, stderr: 'inherit' });
}

async function codeOf(promise) {
  try { await promise; return null; } catch (refusal) { return refusal.code; }
}

// The first version takes a schema of the answer before the options.
const call = (client, name, given, options) => asked.sdk === 1
  ? client.callTool({ name, arguments: given }, undefined, options)
  : client.callTool({ name, arguments: given }, options);

const options = { versionNegotiation: { mode: asked.era ?? 'legacy' } };
const client = new Client({ name: 'flow', version: '1' }, options);
await client.connect(await transport());
const progress = [];
const made = await call(client, 'create_task', { prompt: 'Say hello', priority: 8 });
const task = { task_id: made.structuredContent.task_id };
const waited = await call(client, 'wait_for_task', task,
  { onprogress: (told) => progress.push(told.message) });
const uri = `data://tasks/${task.task_id}`;
const read = JSON.parse((await client.readResource({ uri })).contents[0].text);
const prompt = await client.getPrompt({ name: 'task_summary', arguments: { date_range: '1h' } });
const completed = await client.complete({
  ref: { type: 'ref/resource', uri: 'data://tasks/{task_id}' },
  argument: { name: 'task_id', value: String(task.task_id) },
});
const refused = await call(client, 'create_task', { prompt: 'x', priority: 11 });
console.log(JSON.stringify({
  version: client.getServerVersion(),
  tools: (await client.listTools()).tools.map((tool) => tool.name),
  resources: (await client.listResources()).resources.map((resource) => resource.uri),
  templates: (await client.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate),
  prompts: (await client.listPrompts()).prompts.map((one) => one.name),
  waited: waited.structuredContent,
  progress,
  read,
  prompt: prompt.messages[0].content.text,
  completed: completed.completion.values,
  refused: JSON.parse(refused.content[0].text),
  codes: {
    tool: await codeOf(call(client, 'no_such_tool', {})),
    resource: await codeOf(client.readResource({ uri: 'data://no/such' })),
    prompt: await codeOf(client.getPrompt({ name: 'task_summary', arguments: { date_range: 'x' } })),
    cursor: await codeOf(asked.sdk === 1
      ? client.listTools({ cursor: 'made-up' })
      : client.request({ method: 'tools/list', params: { cursor: 'made-up' } })),
  },
}));
await client.close();
process.exit(0);
