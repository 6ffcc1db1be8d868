import { parse } from '@ts-graphviz/ast';
import { referencesIn } from './references.ts';
import { parseDurationMs, specError } from './spec-error.ts';

/** A task of a job's graph, as the spec describes it. */
export interface TaskNode {
  id: string;
  type: string;
  /** All attributes by name in lower case. */
  attributes: Readonly<Record<string, string>>;
  /** Place among the inputs of the tasks it leads to. */
  index: number;
  /** Attempts in all; 0 and 1 both mean one. */
  retries: number;
  /** ms; undefined where the spec's maxTaskDuration or the node's own default applies. */
  timeoutMs: number | undefined;
  minBackoffMs: number | undefined;
  maxBackoffMs: number | undefined;
  /** A failure ends the whole run at once, without a further attempt. */
  failEarly: boolean;
  /** Tasks that come before. Only those with an arrow in the source hand over their result as an input. */
  before: readonly { id: string; isInput: boolean }[];
  /** Tasks that come after. */
  after: readonly string[];
  /** Line in the spec's file. */
  line: number;
}

/** A job's tasks, each after all those that come before it. */
export type Pipeline = readonly TaskNode[];

/** Where the DOT source stands in its file. */
export interface SourcePlace {
  file: string;
  /** Line in the file of the source's first line. */
  firstLine: number;
}

const GIVEN = new Set(['jobRun', 'jobSpec']);

/**
 * Reads an `observationSource`: DOT without the `digraph {}` around it. An edge stands for each arrow and, implicitly,
 * for each `$(task…)` in an attribute.
 *
 * @throws DevsenError `JOB_SPEC_INVALID` with file, line and what was expected
 * @see Chainlink job specs v2, "Writing pipelines"
 */
export function parsePipeline(source: string, place: SourcePlace): Pipeline {
  const { nodes, arrows } = readDot(source, place);
  for (const arrow of arrows) {
    for (const id of [arrow.from, arrow.to]) {
      if (!nodes.has(id)) throw specError(place.file, arrow.line, `no task is called "${id}"`);
    }
  }
  if (nodes.size === 0) throw specError(place.file, place.firstLine, 'observationSource: expected at least one task');
  const tasks = Array.from(nodes.values(), (node) => readTask(node, nodes, arrows, place));
  const indexes = new Set<number>();
  for (const task of tasks) {
    if (task.index > 0 && indexes.has(task.index))
      throw specError(place.file, task.line, `index ${task.index} is used twice`);
    indexes.add(task.index);
  }
  return inOrder(tasks, place);
}

interface DotNode {
  id: string;
  attributes: Record<string, string>;
  line: number;
}

interface Arrow {
  from: string;
  to: string;
  line: number;
}

/** The few fields of the DOT library's syntax tree that are read here. */
interface Syntax {
  type: string;
  id?: { value: string };
  key?: { value: string };
  value?: { value: string };
  targets?: Syntax[];
  children?: Syntax[];
  location?: { start: { line: number } };
}

function readDot(source: string, place: SourcePlace): { nodes: Map<string, DotNode>; arrows: Arrow[] } {
  const lineOf = (dotLine: number) => place.firstLine + dotLine - 2;
  let statements: Syntax[];
  try {
    const dot = parse(`digraph {\n${source}\n}`) as unknown as Syntax;
    statements = dot.children?.find((child) => child.type === 'Graph')?.children ?? [];
  } catch (error) {
    const start = (error as { cause?: { location?: { start: { line: number } } } }).cause?.location?.start;
    throw specError(
      place.file,
      lineOf(start?.line ?? 2),
      `observationSource is no DOT: ${(error as Error).message}`,
      error,
    );
  }
  const nodes = new Map<string, DotNode>();
  const arrows: Arrow[] = [];
  for (const statement of statements) {
    const line = lineOf(statement.location?.start.line ?? 2);
    if (statement.type === 'Comment') continue;
    if (statement.type === 'Node') {
      const id = statement.id?.value ?? '';
      const known = nodes.get(id)?.attributes ?? {};
      const given = (statement.children ?? []).filter((child) => child.type === 'Attribute');
      const attributes = given.map((child) => [child.key?.value.toLowerCase(), child.value?.value ?? '']);
      nodes.set(id, { id, attributes: { ...known, ...Object.fromEntries(attributes) }, line });
    } else if (statement.type === 'Edge') {
      const steps = (statement.targets ?? []).map(namesIn);
      for (let i = 1; i < steps.length; i++) {
        for (const from of steps[i - 1] ?? []) for (const to of steps[i] ?? []) arrows.push({ from, to, line });
      }
    } else {
      throw specError(place.file, line, `expected a task or an arrow, found a ${statement.type.toLowerCase()}`);
    }
  }
  return { nodes, arrows };
}

function namesIn(target: Syntax): string[] {
  if (target.type === 'NodeRefGroup') return (target.children ?? []).flatMap(namesIn);
  return [target.id?.value ?? ''];
}

function readTask(node: DotNode, nodes: Map<string, DotNode>, arrows: readonly Arrow[], place: SourcePlace): TaskNode {
  const { id, attributes, line } = node;
  const fail = (what: string) => specError(place.file, line, `task ${id}: ${what}`);
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(id))
    throw specError(place.file, line, `a task's name is letters, digits and _: "${id}"`);
  if (id === 'input' || GIVEN.has(id)) throw fail('the name is reserved');
  if (!attributes.type) throw fail('expected a type');

  const before = new Map<string, boolean>();
  for (const arrow of arrows) if (arrow.to === id) before.set(arrow.from, true);
  for (const [name, text] of Object.entries(attributes)) {
    for (const path of referencesIn(text)) {
      const root = path.split('.')[0] as string;
      if (GIVEN.has(root)) continue;
      if (!nodes.has(root)) throw fail(`${name} refers to $(${path}), but no task is called "${root}"`);
      if (root === id) throw fail(`${name} refers to the task itself`);
      if (!before.has(root)) before.set(root, false);
    }
  }
  const whole = (name: string) => {
    const text = attributes[name];
    if (text === undefined) return 0;
    if (!/^\d{1,6}$/.test(text)) throw fail(`${name}: expected a whole number`);
    return Number(text);
  };
  const duration = (name: string) => {
    const text = attributes[name];
    if (text === undefined) return undefined;
    const ms = parseDurationMs(text);
    if (ms === undefined) throw fail(`${name}: expected a duration such as 30s, 1m or 500ms`);
    return ms;
  };
  const failEarly = attributes.failearly ?? 'false';
  if (failEarly !== 'true' && failEarly !== 'false') throw fail('failEarly: expected true or false');
  return {
    id,
    type: attributes.type.toLowerCase(),
    attributes,
    index: whole('index'),
    retries: whole('retries'),
    timeoutMs: duration('timeout') || undefined,
    minBackoffMs: duration('minbackoff') || undefined,
    maxBackoffMs: duration('maxbackoff') || undefined,
    failEarly: failEarly === 'true',
    before: Array.from(before, ([from, isInput]) => ({ id: from, isInput })),
    after: [],
    line,
  };
}

/** Sorts tasks so that each stands after those before it, keeping the source's order where that is free. */
function inOrder(tasks: TaskNode[], place: SourcePlace): Pipeline {
  const done = new Set<string>();
  const sorted: TaskNode[] = [];
  let left = tasks;
  while (left.length > 0) {
    const next = left.find((task) => task.before.every(({ id }) => done.has(id)));
    if (!next) {
      const names = left.map((task) => task.id).join(', ');
      throw specError(place.file, (left[0] as TaskNode).line, `these tasks wait for one another: ${names}`);
    }
    done.add(next.id);
    sorted.push(next);
    left = left.filter((task) => task !== next);
  }
  return sorted.map((task) => ({
    ...task,
    after: sorted.filter((other) => other.before.some(({ id }) => id === task.id)).map((other) => other.id),
  }));
}
