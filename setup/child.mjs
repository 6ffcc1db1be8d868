import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** How much of a quiet child's output is kept for the case that it fails, characters. */
const KEPT = 4_000;

/**
 * Runs a program to its end with this terminal as its own. Ctrl-C reaches it by the terminal, SIGTERM is passed on.
 *
 * @returns its exit code; 128 and the signal's number if a signal ended it
 */
export function run(program, args, env = process.env) {
  const child = spawn(program, args, { stdio: 'inherit', env });
  const passOn = (signal) => child.kill(signal);
  const wait = () => {};
  process.on('SIGTERM', passOn);
  process.on('SIGHUP', passOn);
  process.on('SIGINT', wait);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('SIGTERM', passOn).off('SIGHUP', passOn).off('SIGINT', wait);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/**
 * Runs a program without showing what it prints.
 *
 * @returns its exit code (127 if there is no such program) and the end of what it printed
 */
export function runQuietly(program, args, env = process.env) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
