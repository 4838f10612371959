// The npm package slip39 as a program: a list of jobs as JSON on stdin, a list of results on stdout.
//   {"combine": [shares]}                                     -> the secret in hex, or null when it is refused
//   {"split": hex, "threshold": k, "extendable": true|false}  -> the 16 shares
//   {"valid": share}                                          -> whether the checksum is right
'use strict';

const Slip39 = require('slip39');

function combine(shares) {
  try {
    return Buffer.from(Slip39.recoverSecret(shares, '')).toString('hex');
  } catch {
    return null;
  }
}

function split({ split: secret, threshold, extendable }) {
  const made = Slip39.fromArray([...Buffer.from(secret, 'hex')], {
    groups: [[threshold, 16, 'stewards']],
    extendableBackupFlag: extendable ? 1 : 0,
  });
  return made.fromPath('r/0').mnemonics;
}

function done(job) {
  if (job.combine) return combine(job.combine);
  if (job.split) return split(job);
  return Slip39.validateMnemonic(job.valid);
}

const jobs = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(jobs.map(done)));
