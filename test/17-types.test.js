'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const ts = require('typescript');
const searings = require('..');

const DECLARATIONS = path.join(__dirname, '..', 'index.d.ts');

/** What events and Duplex bring along, or what Node has for its own use. */
const INHERITED = new Set(['constructor']);

const program = ts.createProgram([DECLARATIONS], {});
const checker = program.getTypeChecker();
const file = program.getSourceFile(DECLARATIONS);
const declared = checker.getExportsOfModule(checker.getSymbolAtLocation(file));

function isValue({ flags }) {
  return (flags & ts.SymbolFlags.Value) !== 0;
}

function isHidden(member) {
  const flags = ts.getCombinedModifierFlags(member);
  return (flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0;
}

/** The members that a class declares itself, as the program sees their names. */
function declaredMembers(symbol) {
  const names = new Set();
  for (const declaration of symbol.declarations.filter(ts.isClassDeclaration)) {
    for (const member of declaration.members) {
      if (ts.isConstructorDeclaration(member) || isHidden(member) || member.questionToken) continue;
      names.add(member.name.getText(file));
    }
  }
  return names;
}

/** The methods and accessors that a class really has, without those of our own symbols. */
function realMembers(Class) {
  const names = new Set();
  for (const key of Reflect.ownKeys(Class.prototype)) {
    if (typeof key === 'string') names.add(key);
    else if (key === Symbol.asyncDispose) names.add('[Symbol.asyncDispose]');
  }
  return names;
}

describe('index.d.ts', () => {
  it('declares what the package exports', () => {
    const names = declared.filter(isValue).map(({ name }) => name);
    assert.deepEqual(names.sort(), Object.keys(searings).sort());
  });

  it('is the same for ES modules', async () => {
    const { default: whole, ...named } = await import('../lib/index.mjs');
    assert.deepEqual(Object.keys(named).sort(), Object.keys(searings).sort());
    for (const [name, value] of Object.entries(named)) assert.equal(value, searings[name]);
    if (whole !== undefined) assert.equal(whole, searings);
  });

  for (const symbol of declared.filter(({ flags }) => flags & ts.SymbolFlags.Class)) {
    const Class = searings[symbol.name];
    const members = declaredMembers(symbol);

    it(`declares every member of ${symbol.name}`, () => {
      const missing = [...realMembers(Class)].filter(
        (name) => !members.has(name) && !INHERITED.has(name) && !name.startsWith('_'),
      );
      const overridden = missing.filter(
        (name) => !(name in Object.getPrototypeOf(Class.prototype)),
      );
      assert.deepEqual(overridden, []);
    });

    it(`declares nothing that ${symbol.name} does not have`, () => {
      const real = realMembers(Class);
      const instance = OWN[symbol.name]?.() ?? {};
      const inherited = Object.getPrototypeOf(Class.prototype);
      const absent = [...members].filter(
        (name) => !real.has(name) && !(name in instance) && !(name in inherited),
      );
      assert.deepEqual(absent, []);
    });
  }
});

/** Instances, for what is a property of their own. */
const OWN = {
  TcpServer: () => new searings.TcpServer(),
  SearingsNativeLoadError: () => {
    const host = { platform: 'linux', arch: 'x64', libc: null };
    return new searings.SearingsNativeLoadError(host, [], 'build it');
  },
};
