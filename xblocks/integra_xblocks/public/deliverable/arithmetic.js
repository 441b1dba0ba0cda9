/**
 * The sheet's sums on the phone, without signal: numbers as people type them, and the formulas the server sends as
 * nested arrays. In step with integra_grading/numbers.py and integra_grading/arithmetic.py (28 significant digits,
 * half to even); tests/xblocks/test_deliverable_arithmetic.py runs both on the same cases.
 *
 * A number is {c, e}: the whole number c (BigInt) times ten to the e. Unknown is null.
 */
(function () {
  "use strict";
  if (window.IntegraArithmetic) return;

  const PRECISION = 28;
  const CEILING_PLACES = 9;
  const MAX_TEXT_LENGTH = 24;
  const MAX_WHOLE_DIGITS = 12;
  const MAX_PLACES = 6;
  const THOUSANDS = { ".": /^[1-9][0-9]{0,2}(\.[0-9]{3})+$/, ",": /^[1-9][0-9]{0,2}(,[0-9]{3})+$/ };
  const ZERO = { c: 0n, e: 0 };

  // --- numbers as typed -----------------------------------------------------------------------------------------

  /** Return the number of `text`, or null where it is none (or has more places, or is below zero unasked). */
  function parse(text, options) {
    const places = options && "places" in options ? options.places : MAX_PLACES;
    const typed = text.replace(/^[ \t\n\u00a0]+|[ \t\n\u00a0]+$/g, "");
    const body = /^(?:(?:\$|USD)[ \u00a0]*)?([-\u2212]?)([0-9.,]+)$/i.exec(typed);
    const plain = body && text.length <= MAX_TEXT_LENGTH ? toPlain(body[2]) : null;
    if (plain === null) return null;
    const [whole, fraction] = plain.split(".");
    const decimals = fraction || "";
    if (whole.replace(/^0+/, "").length > MAX_WHOLE_DIGITS || decimals.length > places) return null;
    const value = { c: BigInt(whole + decimals), e: -decimals.length };
    if (!body[1] || value.c === 0n) return value;
    return options && options.negative === false ? null : negate(value);
  }

  function toPlain(body) {
    const last = body.lastIndexOf(",") > body.lastIndexOf(".") ? "," : ".";
    const other = last === "," ? "." : ",";
    const cut = body.lastIndexOf(last);
    if (body.includes(other)) {
      const whole = body.slice(0, cut);
      const fraction = body.slice(cut + 1);
      return THOUSANDS[other].test(whole) && fraction ? whole.split(other).join("") + "." + fraction : null;
    }
    const count = body.split(last).length - 1;
    if (count > 1 || (last === "." && THOUSANDS["."].test(body))) {
      return THOUSANDS[last].test(body) ? body.split(last).join("") : null;
    }
    const parts = /^([0-9]*)(?:[.,]([0-9]+))?$/.exec(body);
    if (!parts || (!parts[1] && !parts[2])) return null;
    return parts[2] ? (parts[1] || "0") + "." + parts[2] : parts[1];
  }

  /** Return `value` as the course prints numbers: 1.013,50. */
  function format(value, places) {
    const rounded = round(value, places);
    const digits = magnitude(rounded.c).toString().padStart(places + 1, "0");
    const whole = digits.slice(0, digits.length - places).replace(/\B(?=([0-9]{3})+$)/g, ".");
    const sign = rounded.c < 0n ? "-" : "";
    return sign + whole + (places ? "," + digits.slice(digits.length - places) : "");
  }

  // --- arithmetic -----------------------------------------------------------------------------------------------

  function magnitude(c) {
    return c < 0n ? -c : c;
  }

  function power(exponent) {
    return 10n ** BigInt(exponent);
  }

  /** Return c / divisor as a whole number; `mode` is "even", "up" (half away from zero) or "ceiling". */
  function divideWhole(c, divisor, mode) {
    const size = magnitude(c);
    const quotient = size / divisor;
    const rest = size % divisor;
    const twice = rest * 2n;
    let isUp = false;
    if (mode === "ceiling") isUp = rest > 0n && c > 0n;
    else if (mode === "up") isUp = twice >= divisor;
    else isUp = twice > divisor || (twice === divisor && quotient % 2n === 1n);
    const result = quotient + (isUp ? 1n : 0n);
    return c < 0n ? -result : result;
  }

  function fit(c, e) {
    const excess = magnitude(c).toString().length - PRECISION;
    if (excess <= 0) return { c: c, e: e };
    return fit(divideWhole(c, power(excess), "even"), e + excess);
  }

  function align(left, right) {
    const e = Math.min(left.e, right.e);
    return [left.c * power(left.e - e), right.c * power(right.e - e), e];
  }

  function add(left, right) {
    const [a, b, e] = align(left, right);
    return fit(a + b, e);
  }

  function negate(value) {
    return fit(-value.c, value.e);
  }

  function divide(left, right) {
    if (right.c === 0n) return null;
    const divisor = magnitude(right.c);
    const dividend = right.c < 0n ? -left.c : left.c;
    const lengths = divisor.toString().length - magnitude(left.c).toString().length;
    const shift = Math.max(0, PRECISION + 1 + lengths);
    const scaled = magnitude(dividend) * power(shift);
    let quotient = scaled / divisor;
    // What is cut off must not look like an exact half or an exact result.
    if (scaled % divisor && quotient % 5n === 0n) quotient += 1n;
    return fit(dividend < 0n ? -quotient : quotient, left.e - right.e - shift);
  }

  /** Return `value` with `places` decimals, half away from zero. */
  function round(value, places) {
    const shift = value.e + places;
    return { c: shift >= 0 ? value.c * power(shift) : divideWhole(value.c, power(-shift), "up"), e: -places };
  }

  /** The same inside a formula: unknown beyond 28 digits. */
  function quantize(value, places) {
    const rounded = round(value, places);
    return magnitude(rounded.c).toString().length > PRECISION ? null : rounded;
  }

  function ceiling(value) {
    const rounded = quantize(value, CEILING_PLACES);
    return rounded && { c: divideWhole(rounded.c, power(CEILING_PLACES), "ceiling"), e: 0 };
  }

  function compare(left, right) {
    const [a, b] = align(left, right);
    return a < b ? -1 : a > b ? 1 : 0;
  }

  // --- formulas -------------------------------------------------------------------------------------------------

  /**
   * Return the value of a formula, or null where something is not known yet, a divisor is zero or the result too
   * long. `values` gives numbers by field, `columns[table][column]` the numbers of a column (null: unreadable).
   */
  function calculate(node, values, columns) {
    const [kind, first, second] = node;
    switch (kind) {
      case "number":
        return parse(first.replace(".", ","), {});
      case "name":
        return values[first] || null;
      case "suma":
        return sum((columns[first] || {})[second] || []);
      case "neg":
        return apply([first], values, columns, negate);
      case "techo":
        return apply([first], values, columns, ceiling);
      case "redondea":
        return apply([first], values, columns, (value) => quantize(value, second));
      case "+":
        return apply([first, second], values, columns, add);
      case "-":
        return apply([first, second], values, columns, (left, right) => add(left, { c: -right.c, e: right.e }));
      case "*":
        return apply([first, second], values, columns, (left, right) => fit(left.c * right.c, left.e + right.e));
      case "/":
        return apply([first, second], values, columns, divide);
      default:
        return null;
    }
  }

  function apply(nodes, values, columns, operation) {
    const numbers = nodes.map((node) => calculate(node, values, columns));
    return numbers.includes(null) ? null : operation(...numbers);
  }

  function sum(numbers) {
    return numbers.includes(null) ? null : numbers.reduce(add, ZERO);
  }

  /** Return whether a comparison holds, or null where one side is unknown. */
  function holds(node, values, columns) {
    const left = calculate(node[1], values, columns);
    const right = calculate(node[2], values, columns);
    if (left === null || right === null) return null;
    const order = compare(left, right);
    const outcomes = { "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "=": order === 0 };
    return node[0] === "!=" ? order !== 0 : outcomes[node[0]];
  }

  window.IntegraArithmetic = { parse: parse, format: format, calculate: calculate, holds: holds };
})();
