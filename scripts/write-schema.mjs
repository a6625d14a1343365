// Writes the JSON Schema of job definitions from the built schema, for editors and for people: `npm run schema`.
import { writeFileSync } from 'node:fs';
import { jsonSchemaText } from '../build/job/schema.js';

writeFileSync(new URL('../schema/job.schema.json', import.meta.url), jsonSchemaText());
