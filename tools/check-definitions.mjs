// Checks definitions of state machines with two packages of other people: asl-validator (the schema, paths) and
// amazon-states-language-service (targets, reachability; it is what AWS's toolkit for editors shows).
//
//   node check-definitions.mjs PACKAGE.JSON FILE...
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';

const [packages, ...files] = process.argv.slice(2);
const require = createRequire(packages);
const validate = require('asl-validator');
const { getLanguageService, TextDocument } = require('amazon-states-language-service');

const service = getLanguageService({});
service.configure({ validate: true, allowComments: false });

let problems = 0;
for (const file of files) {
  // Substitutions stand where CloudFormation writes an ARN.
  const text = (await readFile(file, 'utf8'))
    .replaceAll('${Partition}', 'aws')
    .replaceAll(/\$\{\w+\}/g, 'arn:aws:lambda:us-east-1:123456789012:function:substituted');
  const { isValid, errorsText } = validate(JSON.parse(text));
  const found = isValid ? [] : [errorsText('\n')];
  const document = TextDocument.create(`file:///${file}`, 'asl', 1, text);
  for (const d of await service.doValidation(document, service.parseJSONDocument(document))) {
    found.push(`line ${d.range.start.line + 1}: ${d.message}`);
  }
  problems += found.length;
  console.log(`${file}: ${found.length ? found.join('\n  ') : 'no problem'}`);
}
process.exit(problems ? 1 : 0);
