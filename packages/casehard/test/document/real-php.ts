import { execFileSync, spawnSync } from 'node:child_process';

/** Why tests against PHP are skipped, if they are. With CASEHARD_REQUIRE_SERVERS=1 an absent PHP is an error. */
export const PHP_ABSENT = spawnSync('php', ['-v']).status === 0 ? undefined : 'php is not installed';
if (PHP_ABSENT && process.env.CASEHARD_REQUIRE_SERVERS === '1') throw new Error(PHP_ABSENT);
if (PHP_ABSENT) console.warn(`${PHP_ABSENT}: the comparison with PHP itself is skipped`);

/** Runs PHP code with `$in` decoded from JSON, and gives back what it puts into `$out`. */
export function php(code: string, input: unknown): unknown {
  const script = `$in = json_decode(stream_get_contents(STDIN), true, 100000); ${code}; echo json_encode($out, JSON_THROW_ON_ERROR, 100000);`;
  return JSON.parse(
    execFileSync('php', ['-r', script], { input: JSON.stringify(input), encoding: 'utf8', maxBuffer: 2 ** 28 }),
  );
}

/** PHP code: lists every string of a value with its pointer. */
export const WALK = `
  function walk($v, $at, &$all) {
    if (is_string($v)) $all[] = [$at, $v];
    if (is_array($v)) foreach ($v as $k => $child) walk($child, $at . "/" . strtr((string) $k, ["~" => "~0", "/" => "~1"]), $all);
  }`;
