// SPDX-License-Identifier: MIT
// Compiles src to dist: CommonJS by tsc, and an ES module that hands on the very same objects, so that instanceof holds across both.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const inDist = (name) => path.join(root, 'dist', name);

rmSync(inDist(''), { recursive: true, force: true });
execFileSync(process.execPath, [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', root], { stdio: 'inherit' });

const own = readFileSync(path.join(root, 'src', 'index.ts'), 'utf8') + readFileSync(path.join(root, 'src', 'errors-public.ts'), 'utf8');
const lists = [...own.matchAll(/export \{([^}]*)\}/g)].flatMap((match) => match[1].split(','));
const names = [...lists.map((name) => name.trim()).filter((name) => name !== '' && !name.startsWith('type ')), 'versions'].sort();
const head = '// SPDX-License-Identifier: MIT\n';
// By require(): where an ES module imports a CommonJS one that throws, Node 18 and 20 end the process, though the importer catches the error.
const from = "import { createRequire } from 'node:module';\n\nexport const {\n";
writeFileSync(inDist('index.mjs'), `${head}${from}${names.map((name) => `  ${name},\n`).join('')}} = createRequire(import.meta.url)('./index.js');\n`);
writeFileSync(inDist('index.d.mts'), `${head}export * from './index.js';\n`);

// tsc drops the first comment of some files.
for (const name of readdirSync(inDist(''))) {
  const text = readFileSync(inDist(name), 'utf8');
  if (!text.slice(0, 200).includes(head)) writeFileSync(inDist(name), head + text);
}
