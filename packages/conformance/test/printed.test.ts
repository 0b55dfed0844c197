/** What a small classifier looks like on its way: the graph, its gradient, the lowered graph and the program, as a person can check them. */
import { classifier, reference } from "@ostinato/conformance";
import { bind, describe as describeProgram, isComposite, lower, type OpName, printGraph, verify } from "@ostinato/core";
import { expect, test } from "vitest";

const sizes = { words: 50, embedding: 2, hidden: 3 };
const { graph } = classifier("sgd", "lstm", sizes);
const { loss, probabilities } = graph.fetches;
const primitives = { ...reference(), name: "primitives", runs: (node: { op: OpName }) => !isComposite(node.op) };

test("the inference graph", () => {
  expect(printGraph({ fetches: { probabilities }, updates: [] })).toMatchInlineSnapshot(`
    "%0: float32[50, 2] = state embeddings
    %1: int32[batch, time] = feed ids
    %2: int32[time, batch] = transpose(%1, permutation=[1,0])
    %3: float32[time, batch, 2] = gather(%0, %2)
    %4: float32[12, 2] = state W
    %5: float32[12, 3] = state R
    %6: float32[12] = state B
    %7: int32[batch] = sequenceLengths(%2)
    %8: float32[time, batch, 3], float32[batch, 3], float32[batch, 3], float32[time, batch, 12], float32[time, batch, 3] = lstm(%3, %4, %5, %6, %7, hiddenSize=3, direction=forward, activations=["Sigmoid","Tanh","Tanh"], inputForget=false, options=["lengths"])
    %9: float32[3, 1] = state kernel
    %10: float32[batch, 1] = dot(%8.1, %9, contract=[[1],[0]], batch=[[],[]])
    %11: float32[1] = state bias
    %12: float32[batch, 1] = broadcast(%11, shape=["batch",1], axes=[1])
    %13: float32[batch, 1] = add(%10, %12)
    %14: float32[batch] = reshape(%13, shape=["batch"])
    %15: float32[batch] = sigmoid(%14)
    fetch probabilities = %15"
  `);
});

test("the train graph: forward, loss, gradients, updates and guard", () => {
  expect(printGraph(verify(graph))).toMatchInlineSnapshot(`
    "%0: float32[50, 2] = state embeddings
    %1: int32[batch, time] = feed ids
    %2: int32[time, batch] = transpose(%1, permutation=[1,0])
    %3: float32[time, batch, 2] = gather(%0, %2)
    %4: float32[12, 2] = state W
    %5: float32[12, 3] = state R
    %6: float32[12] = state B
    %7: int32[batch] = sequenceLengths(%2)
    %8: float32[time, batch, 3], float32[batch, 3], float32[batch, 3], float32[time, batch, 12], float32[time, batch, 3] = lstm(%3, %4, %5, %6, %7, hiddenSize=3, direction=forward, activations=["Sigmoid","Tanh","Tanh"], inputForget=false, options=["lengths"])
    %9: float32[3, 1] = state kernel
    %10: float32[batch, 1] = dot(%8.1, %9, contract=[[1],[0]], batch=[[],[]])
    %11: float32[1] = state bias
    %12: float32[batch, 1] = broadcast(%11, shape=["batch",1], axes=[1])
    %13: float32[batch, 1] = add(%10, %12)
    %14: float32[batch] = reshape(%13, shape=["batch"])
    %15: float32[batch] = softplus(%14)
    %16: float32[batch] = feed labels
    %17: float32[batch] = mul(%16, %14)
    %18: float32[batch] = sub(%15, %17)
    %19: float32[] = sum(%18, axes=[0])
    %20: float32[] = constant(dtype=float32, shape=[], data=[1])
    %21: int32[] = size(dim=batch)
    %22: float32[] = cast(%21, dtype=float32)
    %23: float32[] = mul(%20, %22)
    %24: float32[] = div(%19, %23)
    %25: float32[batch] = sigmoid(%14)
    %26: float32[] = constant(dtype=float32, shape=[], data=[1])
    %27: int32[] = size(dim=batch)
    %28: float32[] = cast(%27, dtype=float32)
    %29: float32[] = mul(%26, %28)
    %30: int32[] = state step
    %31: int32[] = constant(dtype=int32, shape=[], data=[1])
    %32: int32[] = add(%30, %31)
    %33: float32[] = constant(dtype=float32, shape=[], data=[0.5])
    %34: float32[50, 2] = broadcast(%33, shape=[50,2], axes=[])
    %35: float32[] = constant(dtype=float32, shape=[], data=[1])
    %36: float32[] = div(%35, %23)
    %37: float32[batch] = broadcast(%36, shape=["batch"], axes=[])
    %38: float32[batch] = neg(%37)
    %39: float32[batch] = mul(%38, %16)
    %40: float32[batch] = sigmoid(%14)
    %41: float32[batch] = mul(%37, %40)
    %42: float32[batch] = add(%39, %41)
    %43: float32[batch, 1] = reshape(%42, shape=["batch",1])
    %44: float32[batch, 3] = dot(%43, %9, contract=[[1],[1]], batch=[[],[]])
    %45: float32[time, batch, 2], float32[12, 2], float32[12, 3], float32[12] = lstmGrad(%3, %4, %5, %6, %7, %8.0, %8.3, %8.4, %44, hiddenSize=3, direction=forward, activations=["Sigmoid","Tanh","Tanh"], inputForget=false, options=["lengths"], cotangents=["h"])
    %46: float32[50, 2] = scatterAdd(%2, %45.0, rows=50)
    %47: float32[50, 2] = mul(%34, %46)
    %48: float32[50, 2] = sub(%0, %47)
    %49: float32[] = constant(dtype=float32, shape=[], data=[0.5])
    %50: float32[12, 2] = broadcast(%49, shape=[12,2], axes=[])
    %51: float32[12, 2] = mul(%50, %45.1)
    %52: float32[12, 2] = sub(%4, %51)
    %53: float32[] = constant(dtype=float32, shape=[], data=[0.5])
    %54: float32[12, 3] = broadcast(%53, shape=[12,3], axes=[])
    %55: float32[12, 3] = mul(%54, %45.2)
    %56: float32[12, 3] = sub(%5, %55)
    %57: float32[] = constant(dtype=float32, shape=[], data=[0.5])
    %58: float32[12] = broadcast(%57, shape=[12], axes=[])
    %59: float32[12] = mul(%58, %45.3)
    %60: float32[12] = sub(%6, %59)
    %61: float32[] = constant(dtype=float32, shape=[], data=[0.5])
    %62: float32[3, 1] = broadcast(%61, shape=[3,1], axes=[])
    %63: float32[3, 1] = dot(%8.1, %43, contract=[[0],[0]], batch=[[],[]])
    %64: float32[3, 1] = mul(%62, %63)
    %65: float32[3, 1] = sub(%9, %64)
    %66: float32[] = constant(dtype=float32, shape=[], data=[0.5])
    %67: float32[1] = broadcast(%66, shape=[1], axes=[])
    %68: float32[1] = sum(%43, axes=[0])
    %69: float32[1] = mul(%67, %68)
    %70: float32[1] = sub(%11, %69)
    %71: float32[] = sub(%24, %24)
    %72: float32[] = constant(dtype=float32, shape=[], data=[0])
    %73: bool[] = equal(%71, %72)
    fetch loss = %24
    fetch probabilities = %25
    fetch rows = %29
    update step = %32
    update embeddings = %48
    update W = %52
    update R = %56
    update B = %60
    update kernel = %65
    update bias = %70
    guard %73"
  `);
});

test("the loss in primitives", () => {
  const lowered = lower({ fetches: { loss }, updates: [] }, primitives);
  expect(lowered.decomposed.toSorted()).toEqual(["lstm", "sequenceLengths", "sequenceMask", "softplus"]);
  expect(printGraph(lowered.graph)).toMatchInlineSnapshot(`
    "%0: float32[] = constant(dtype=float32, shape=[], data=[0])
    %1: float32[batch, 3] = broadcast(%0, shape=["batch",3], axes=[])
    %2: float32[50, 2] = state embeddings
    %3: float32[12, 2] = state W
    %4: float32[50, 12] = dot(%2, %3, contract=[[1],[1]], batch=[[],[]])
    %5: int32[batch, time] = feed ids
    %6: int32[time, batch] = transpose(%5, permutation=[1,0])
    %7: float32[time, batch, 12] = gather(%4, %6)
    %8: float32[12] = state B
    %9: float32[time, batch, 12] = broadcast(%8, shape=["time","batch",12], axes=[2])
    %10: float32[time, batch, 12] = add(%7, %9)
    %11: int32[time] = iota(dim=time)
    %12: int32[time, batch] = broadcast(%11, shape=["time","batch"], axes=[0])
    %13: bool[time, batch] = cast(%6, dtype=bool)
    %14: int32[] = constant(dtype=int32, shape=[], data=[1])
    %15: int32[time] = broadcast(%14, shape=["time"], axes=[])
    %16: int32[time] = add(%11, %15)
    %17: int32[time, batch] = broadcast(%16, shape=["time","batch"], axes=[0])
    %18: int32[] = constant(dtype=int32, shape=[], data=[0])
    %19: int32[time, batch] = broadcast(%18, shape=["time","batch"], axes=[])
    %20: int32[time, batch] = select(%13, %17, %19)
    %21: int32[batch] = max(%20, axes=[0])
    %22: int32[time, batch] = broadcast(%21, shape=["time","batch"], axes=[1])
    %23: bool[time, batch] = less(%12, %22)
    %24: float32[12, 3] = state R
    %25: float32[batch, 3], float32[batch, 3], float32[time, batch, 3], float32[time, batch, 12], float32[time, batch, 3], float32[time, batch, 3], float32[time, batch, 3] = scan(%1, %1, %10, %23, %24, body={
      %0: float32[batch, 3] = parameter carry0
      %1: float32[batch, 3] = parameter carry1
      %2: float32[batch, 12] = parameter slice0
      %3: bool[batch] = parameter slice1
      %4: float32[12, 3] = parameter constant0
      %5: bool[batch, 3] = broadcast(%3, shape=["batch",3], axes=[0])
      %6: float32[batch, 12] = dot(%0, %4, contract=[[1],[1]], batch=[[],[]])
      %7: float32[batch, 12] = add(%2, %6)
      %8: float32[batch, 3] = slice(%7, axis=1, start=3, size=3)
      %9: float32[batch, 3] = sigmoid(%8)
      %10: float32[batch, 3] = slice(%7, axis=1, start=6, size=3)
      %11: float32[batch, 3] = sigmoid(%10)
      %12: float32[batch, 3] = mul(%11, %1)
      %13: float32[batch, 3] = slice(%7, axis=1, start=0, size=3)
      %14: float32[batch, 3] = sigmoid(%13)
      %15: float32[batch, 3] = slice(%7, axis=1, start=9, size=3)
      %16: float32[batch, 3] = tanh(%15)
      %17: float32[batch, 3] = mul(%14, %16)
      %18: float32[batch, 3] = add(%12, %17)
      %19: float32[batch, 3] = tanh(%18)
      %20: float32[batch, 3] = mul(%9, %19)
      %21: float32[batch, 3] = select(%5, %20, %0)
      %22: float32[batch, 3] = select(%5, %18, %1)
      %23: float32[] = constant(dtype=float32, shape=[], data=[0])
      %24: float32[batch, 3] = broadcast(%23, shape=["batch",3], axes=[])
      %25: float32[batch, 3] = select(%5, %20, %24)
      %26: bool[batch, 12] = broadcast(%3, shape=["batch",12], axes=[0])
      %27: float32[batch, 12] = concat(%14, %9, %11, %16, axis=1)
      %28: float32[batch, 12] = broadcast(%23, shape=["batch",12], axes=[])
      %29: float32[batch, 12] = select(%26, %27, %28)
      %30: float32[batch, 3] = select(%5, %18, %24)
      return %21, %22, %25, %29, %30
    }, carries=2, sequences=2, reverse=false)
    %26: float32[3, 1] = state kernel
    %27: float32[batch, 1] = dot(%25.0, %26, contract=[[1],[0]], batch=[[],[]])
    %28: float32[1] = state bias
    %29: float32[batch, 1] = broadcast(%28, shape=["batch",1], axes=[1])
    %30: float32[batch, 1] = add(%27, %29)
    %31: float32[batch] = reshape(%30, shape=["batch"])
    %32: float32[batch] = broadcast(%0, shape=["batch"], axes=[])
    %33: float32[batch] = maximum(%31, %32)
    %34: float32[] = constant(dtype=float32, shape=[], data=[1])
    %35: float32[batch] = broadcast(%34, shape=["batch"], axes=[])
    %36: float32[batch] = abs(%31)
    %37: float32[batch] = neg(%36)
    %38: float32[batch] = exp(%37)
    %39: float32[batch] = add(%35, %38)
    %40: bool[batch] = equal(%39, %35)
    %41: float32[batch] = log(%39)
    %42: float32[batch] = sub(%39, %35)
    %43: float32[batch] = div(%38, %42)
    %44: float32[batch] = mul(%41, %43)
    %45: float32[batch] = select(%40, %38, %44)
    %46: float32[batch] = add(%33, %45)
    %47: float32[batch] = feed labels
    %48: float32[batch] = mul(%47, %31)
    %49: float32[batch] = sub(%46, %48)
    %50: float32[] = sum(%49, axes=[0])
    %51: int32[] = size(dim=batch)
    %52: float32[] = cast(%51, dtype=float32)
    %53: float32[] = mul(%34, %52)
    %54: float32[] = div(%50, %53)
    fetch loss = %54"
  `);
});

test("the program of inference, lstm native", () => {
  const lowered = lower({ fetches: { probabilities }, updates: [] }, reference());
  expect(describeProgram(bind(lowered, { batch: 32, time: 300 }))).toMatchInlineSnapshot(`
    "program (batch ≤ 32, time ≤ 300), arena of 76800 bytes
    feed ids %7: int32[batch, time] @0
    state embeddings %0: float32[50, 2] embeddings
    state W %1: float32[12, 2] W
    state R %3: float32[12, 3] R
    state B %4: float32[12] B
    state kernel %5: float32[3, 1] kernel
    state bias %6: float32[1] bias
    when the state was written, 2432 bytes are kept of:
      %2 = dot(%0, %1): float32[50, 12] kept @0
    %8 = transpose(%7): int32[time, batch] @38400
    %9 = sequenceLengths(%8): int32[batch] @384
    -, %10, -, -, - = lstm(%8, %2, %3, %4, %9): -, float32[batch, 3] @0, -, -, -
    %11 = dot(%10, %5): float32[batch, 1] @384
    %12 = broadcast(%6): float32[batch, 1] uniform bias alias
    %13 = add(%11, %12): float32[batch, 1] @384
    %14 = reshape(%13): float32[batch] @384 alias
    %15 = sigmoid(%14): float32[batch] @384
    fetch probabilities %15: float32[batch] @384"
  `);
});

test("the program of inference, in primitives", () => {
  const lowered = lower({ fetches: { probabilities }, updates: [] }, primitives);
  expect(describeProgram(bind(lowered, { batch: 32, time: 300 }))).toMatchInlineSnapshot(`
    "program (batch ≤ 32, time ≤ 300), arena of 960384 bytes
    decomposed: sequenceLengths, lstm, sequenceMask
    feed ids %11: int32[batch, time] @0
    state embeddings %1: float32[50, 2] embeddings
    state W %2: float32[12, 2] W
    state B %4: float32[12] B
    state R %7: float32[12, 3] R
    state kernel %8: float32[3, 1] kernel
    state bias %9: float32[1] bias
    when the state was written, 2624 bytes are kept of:
      %0 = constant(): float32[] kept @0
      %3 = dot(%1, %2): float32[50, 12] kept @64
      %5 = constant(): int32[] kept @2496
      %6 = constant(): int32[] kept @2560
    %10 = broadcast(%0): float32[batch, 3] @960000
    %12 = transpose(%11): int32[time, batch] @921600
    %13 = gather(%3, %12): float32[time, batch, 12] @0
    %14 = broadcast(%4): float32[time, batch, 12] @460800
    %15 = add(%13, %14): float32[time, batch, 12] @0
    %16 = iota(): int32[time] @547200
    %17 = broadcast(%16): int32[time, batch] @460800
    %18 = cast(%12): bool[time, batch] @537600
    %19 = broadcast(%5): int32[time] uniform kept @2496 alias
    %20 = add(%16, %19): int32[time] @547200
    %21 = broadcast(%20): int32[time, batch] @499200
    %22 = broadcast(%6): int32[time, batch] uniform kept @2560 alias
    %23 = select(%18, %21, %22): int32[time, batch] @499200
    %24 = max(%23): int32[batch] @537600
    %25 = broadcast(%24): int32[time, batch] @499200
    %26 = less(%17, %25): bool[time, batch] @537600
    %27, -, -, -, -, -, - = scan(%10, %10, %15, %26, %7): float32[batch, 3] @466752, -, -, -, -, -, -
      %33 = broadcast(%31): bool[batch, 3] @466560
      %34 = dot(%28, %32): float32[batch, 12] @460800
      %35 = add(%30, %34): float32[batch, 12] @460800
      %36 = slice(%35): float32[batch, 3] @463104
      %37 = sigmoid(%36): float32[batch, 3] @463104
      %38 = slice(%35): float32[batch, 3] @463488
      %39 = sigmoid(%38): float32[batch, 3] @463488
      %40 = mul(%39, %29): float32[batch, 3] @463872
      %41 = slice(%35): float32[batch, 3] @464256
      %42 = sigmoid(%41): float32[batch, 3] @464256
      %43 = slice(%35): float32[batch, 3] @464640
      %44 = tanh(%43): float32[batch, 3] @464640
      %45 = mul(%42, %44): float32[batch, 3] @460800
      %46 = add(%40, %45): float32[batch, 3] @463872
      %47 = tanh(%46): float32[batch, 3] @465024
      %48 = mul(%37, %47): float32[batch, 3] @465024
      %49 = select(%33, %48, %28): float32[batch, 3] @465408
      %50 = select(%33, %46, %29): float32[batch, 3] @465792
      %51 = constant(): float32[] @466688
      %52 = broadcast(%51): float32[batch, 3] uniform @466688 alias
      %53 = select(%33, %48, %52): float32[batch, 3] @465024
      %54 = broadcast(%31): bool[batch, 12] @466176
      %55 = concat(%42, %37, %39, %44): float32[batch, 12] @460800
      %56 = broadcast(%51): float32[batch, 12] uniform @466688 alias
      %57 = select(%54, %55, %56): float32[batch, 12] @460800
      %58 = select(%33, %46, %52): float32[batch, 3] @463872
    %59 = dot(%27, %8): float32[batch, 1] @0
    %60 = broadcast(%9): float32[batch, 1] uniform bias alias
    %61 = add(%59, %60): float32[batch, 1] @0
    %62 = reshape(%61): float32[batch] @0 alias
    %63 = sigmoid(%62): float32[batch] @0
    fetch probabilities %63: float32[batch] @0"
  `);
});

test("the program of a training step, lstm native", () => {
  const lowered = lower(graph, reference());
  expect(describeProgram(bind(lowered, { batch: 32, time: 300 }))).toMatchInlineSnapshot(`
    "program (batch ≤ 32, time ≤ 300), arena of 884992 bytes
    feed ids %0: int32[batch, time] @0
    feed labels %19: float32[batch] @768000
    state embeddings %2: float32[50, 2] embeddings
    state W %3: float32[12, 2] W
    state R %5: float32[12, 3] R
    state B %6: float32[12] B
    state kernel %12: float32[3, 1] kernel
    state bias %14: float32[1] bias
    state step %29: int32[] step
    %1 = transpose(%0): int32[time, batch] @844800
    %4 = dot(%2, %3): float32[50, 12] @691200
    %7 = sequenceLengths(%1): int32[batch] @884160
    %8, %9, -, %10, %11 = lstm(%1, %4, %5, %6, %7): float32[time, batch, 3] @460800, float32[batch, 3] @883200, -, float32[time, batch, 12] @0, float32[time, batch, 3] @576000
    %13 = dot(%9, %12): float32[batch, 1] @884288
    %15 = broadcast(%14): float32[batch, 1] uniform bias alias
    %16 = add(%13, %15): float32[batch, 1] @884288
    %17 = reshape(%16): float32[batch] @884288 alias
    %18 = softplus(%17): float32[batch] @691200
    %20 = mul(%19, %17): float32[batch] @691328
    %21 = sub(%18, %20): float32[batch] @691200
    %22 = sum(%21): float32[] @884736
    %23 = constant(): float32[] @768128
    %24 = size(): int32[] @884800
    %25 = cast(%24): float32[] @884800
    %26 = mul(%23, %25): float32[] @884800
    %27 = div(%22, %26): float32[] @884736
    %28 = sigmoid(%17): float32[batch] @884288
    %30 = constant(): int32[] @884864
    %31 = add(%29, %30): int32[] @884864
    %32 = constant(): float32[] @884928
    %33 = broadcast(%32): float32[50, 2] uniform @884928 alias
    %34 = gather(%2, %1): float32[time, batch, 2] @691200
    %35 = div(%23, %26): float32[] @768128
    %36 = broadcast(%35): float32[batch] uniform @768128 alias
    %37 = neg(%36): float32[batch] @884416
    %38 = mul(%37, %19): float32[batch] @884416
    %39 = mul(%36, %28): float32[batch] @768000
    %40 = add(%38, %39): float32[batch] @884416
    %41 = reshape(%40): float32[batch, 1] @884416 alias
    %42 = dot(%41, %12): float32[batch, 3] @883584
    %43, %44, %45, %46 = lstmGrad(%34, %3, %5, %6, %7, %8, %10, %11, %42): float32[time, batch, 2] @768000, float32[12, 2] @884544, float32[12, 3] @883968, float32[12] @884672
    %47 = scatterAdd(%1, %43): float32[50, 2] @0
    %48 = mul(%33, %47): float32[50, 2] @0
    %49 = sub(%2, %48): float32[50, 2] @0
    %50 = broadcast(%32): float32[12, 2] uniform @884928 alias
    %51 = mul(%50, %44): float32[12, 2] @884544
    %52 = sub(%3, %51): float32[12, 2] @884544
    %53 = broadcast(%32): float32[12, 3] uniform @884928 alias
    %54 = mul(%53, %45): float32[12, 3] @883968
    %55 = sub(%5, %54): float32[12, 3] @883968
    %56 = broadcast(%32): float32[12] uniform @884928 alias
    %57 = mul(%56, %46): float32[12] @884672
    %58 = sub(%6, %57): float32[12] @884672
    %59 = broadcast(%32): float32[3, 1] uniform @884928 alias
    %60 = dot(%9, %41): float32[3, 1] @448
    %61 = mul(%59, %60): float32[3, 1] @448
    %62 = sub(%12, %61): float32[3, 1] @448
    %63 = broadcast(%32): float32[1] uniform @884928 alias
    %64 = sum(%41): float32[1] @512
    %65 = mul(%63, %64): float32[1] @512
    %66 = sub(%14, %65): float32[1] @512
    %67 = sub(%27, %27): float32[] @576
    %68 = constant(): float32[] @640
    %69 = equal(%67, %68): bool[] @704
    fetch loss %27: float32[] @884736
    fetch probabilities %28: float32[batch] @884288
    fetch rows %26: float32[] @884800
    update step %31: int32[] @884864
    update embeddings %49: float32[50, 2] @0
    update W %52: float32[12, 2] @884544
    update R %55: float32[12, 3] @883968
    update B %58: float32[12] @884672
    update kernel %62: float32[3, 1] @448
    update bias %66: float32[1] @512
    guard %69"
  `);
});
