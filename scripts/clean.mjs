// Removes build output before a build, so that a file deleted from src/ cannot live on in the package.
import { rmSync } from 'node:fs';

for (const folder of process.argv.slice(2)) {
  rmSync(folder, { recursive: true, force: true });
}
