// The peak of fused multiply-adds of the processor: says {"128":[one, two],"256":…,"512":…}, GFLOP/s of one thread and of two for each width of
// vector that the compiler finds here. Twelve chains of which none waits for another, all in registers; the best of several readings.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

typedef float Four __attribute__((vector_size(16)));
typedef float Eight __attribute__((vector_size(32)));
typedef float Sixteen __attribute__((vector_size(64)));

static const int CHAINS = 12, TURNS = 8'000'000, READINGS = 9;
static volatile float sink;

#if defined(__aarch64__)
#define REGISTER "w"
#else
#define REGISTER "v"
#endif
// The empty statement keeps the compiler from joining turns.
#define STEP(chain) chain = chain * x + y; asm("" : "+" REGISTER(chain))

template <typename Vector> __attribute__((noinline)) static void compute() {
  Vector x = {}, y = {};
  x += 0.999999f;
  y += 1e-6f;
  Vector a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
  for (int turn = 0; turn < TURNS; turn++) {
    STEP(a); STEP(b); STEP(c); STEP(d); STEP(e); STEP(f);
    STEP(g); STEP(h); STEP(i); STEP(j); STEP(k); STEP(l);
  }
  sink = (a + b + c + d + e + f + g + h + i + j + k + l)[0];
}

template <typename Vector> static double peak(int threads) {
  double best = 1e9;
  for (int reading = 0; reading < READINGS; reading++) {
    const auto start = std::chrono::steady_clock::now();
    std::thread other;
    if (threads > 1) other = std::thread(compute<Vector>);
    compute<Vector>();
    if (threads > 1) other.join();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 2.0 * threads * CHAINS * TURNS * (sizeof(Vector) / sizeof(float)) / best / 1e9;
}

int main() {
  printf("{\"128\":[%.1f,%.1f]", peak<Four>(1), peak<Four>(2));
#ifdef __AVX2__
  printf(",\"256\":[%.1f,%.1f]", peak<Eight>(1), peak<Eight>(2));
#endif
#ifdef __AVX512F__
  printf(",\"512\":[%.1f,%.1f]", peak<Sixteen>(1), peak<Sixteen>(2));
#endif
  printf("}\n");
}
