// random.mjs - dice that fall the same way for the same seed.
export class Dice {
  constructor(seed) {
    this.state = BigInt(seed) * 2n + 1n;
    for (let i = 0; i < 4; i++) this.next();
  }

  // xorshift64* : a number from 0 to 2^32 - 1.
  next() {
    let x = this.state;
    x ^= x >> 12n;
    x = BigInt.asUintN(64, x ^ (x << 25n));
    x ^= x >> 27n;
    this.state = x;
    return Number(BigInt.asUintN(64, x * 0x2545f4914f6cdd1dn) >> 32n);
  }

  // From low to high, both included.
  between(low, high) { return low + (this.next() % (high - low + 1)); }

  happens(percent) { return this.next() % 100 < percent; }

  pick(list) { return list[this.next() % list.length]; }

  // One of the lines 'WEIGHT text', the heavier the likelier; gives its text.
  weigh(lines) {
    const weights = lines.map((line) => parseInt(line, 10));
    let rest = this.next() % weights.reduce((sum, weight) => sum + weight, 0);
    const index = weights.findIndex((weight) => (rest -= weight) < 0);
    return lines[index].slice(lines[index].indexOf(' ') + 1);
  }
}
