// What the cores at hand can do at best: clock, arithmetic, reading memory. Prints one JSON object.
//   cc -O3 -march=native -pthread -o roof roof.c && ./roof THREADS
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#if defined(__AVX512BF16__) || defined(__AVX512VNNI__)
#include <immintrin.h>
#endif

enum { kRepetitions = 15, kMaxThreads = 256, kChains = 12, kRounds = 4000000 };
static const size_t kHugePage = (size_t)1 << 21;
static const size_t kBytes = (size_t)1 << 29;  // for each thread; far more than any cache

typedef float Floats __attribute__((vector_size(64)));
typedef int64_t Longs __attribute__((vector_size(64)));

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Each kernel returns how much it did; `sink` keeps the compiler from leaving it out.
typedef double Kernel(const void* memory, double* sink);

// An addition that waits for the one before takes one cycle: cycles.
static double cycles(const void* memory, double* sink) {
  (void)memory;
  uint64_t x = 1;
  for (int i = 0; i < kRounds; ++i) {
#if defined(__x86_64__)
#define ADD "add %0, %0\n"
    __asm__ volatile(ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD : "+r"(x));
#elif defined(__aarch64__)
#define ADD "add %0, %0, %0\n"
    __asm__ volatile(ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD : "+r"(x));
#else
#error "no chain of additions for this processor"
#endif
  }
  *sink = (double)x;
  return 16.0 * kRounds;
}

// Independent fused multiply-adds in fp32: FLOP.
static double fp32(const void* memory, double* sink) {
  (void)memory;
  Floats x[kChains];
  for (int j = 0; j < kChains; ++j)
    for (int i = 0; i < 16; ++i) x[j][i] = (float)(i + j);
  for (int i = 0; i < kRounds; ++i) {
    for (int j = 0; j < kChains; ++j) x[j] = x[j] * 0.999f + 0.001f;
  }
  for (int j = 0; j < kChains; ++j) *sink += (double)x[j][0];
  return 2.0 * 16 * kChains * kRounds;
}

#if defined(__AVX512BF16__)
static double bf16(const void* memory, double* sink) {
  (void)memory;
  __m512 x[kChains];
  const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3c00), b = (__m512bh)_mm512_set1_epi16(0x3c00);
  for (int j = 0; j < kChains; ++j) x[j] = _mm512_set1_ps((float)j);
  for (int i = 0; i < kRounds; ++i) {
    for (int j = 0; j < kChains; ++j) x[j] = _mm512_dpbf16_ps(x[j], a, b);
  }
  for (int j = 0; j < kChains; ++j) *sink += (double)x[j][0];
  return 2.0 * 32 * kChains * kRounds;
}
#endif

#if defined(__AVX512VNNI__)
static double int8(const void* memory, double* sink) {
  (void)memory;
  __m512i x[kChains];
  const __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(1);
  for (int j = 0; j < kChains; ++j) x[j] = _mm512_set1_epi32(j);
  for (int i = 0; i < kRounds; ++i) {
    for (int j = 0; j < kChains; ++j) x[j] = _mm512_dpbusd_epi32(x[j], a, b);
  }
  for (int j = 0; j < kChains; ++j) *sink += (double)((Longs)x[j])[0];
  return 2.0 * 64 * kChains * kRounds;
}
#endif

// Reads memory once, nothing written: bytes.
static double read_memory(const void* memory, double* sink) {
  const Longs* from = memory;
  Longs sum[4] = {{0}};
  for (size_t i = 0; i < kBytes / sizeof(Longs); i += 4)
    for (size_t j = 0; j < 4; ++j) sum[j] += from[i + j];
  *sink = (double)(sum[0] + sum[1] + sum[2] + sum[3])[0];
  return (double)kBytes;
}

struct Work {
  Kernel* kernel;
  pthread_barrier_t* barrier;
  void* memory;
  double done, start, end, sink;
};

static void* work(void* argument) {
  struct Work* w = argument;
  for (int i = 0; i < kRepetitions; ++i) {
    pthread_barrier_wait(w->barrier);
    w->start = now();
    w->done = w->kernel(w->memory, &w->sink);
    w->end = now();
    pthread_barrier_wait(w->barrier);
  }
  return NULL;
}

static int rising(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static void measure(const char* name, Kernel* kernel, int threads, void** memory) {
  pthread_barrier_t barrier;
  pthread_t ids[kMaxThreads];
  static struct Work w[kMaxThreads];
  double rate[kRepetitions];
  pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
  for (int t = 0; t < threads; ++t) {
    w[t] = (struct Work){.kernel = kernel, .barrier = &barrier, .memory = memory[t]};
    if (pthread_create(&ids[t], NULL, work, &w[t]) != 0) exit(1);
  }
  for (int i = 0; i < kRepetitions; ++i) {
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    double done = 0, start = w[0].start, end = w[0].end;
    for (int t = 0; t < threads; ++t) {
      done += w[t].done;
      if (w[t].start < start) start = w[t].start;
      if (w[t].end > end) end = w[t].end;
    }
    rate[i] = done / (end - start);
  }
  for (int t = 0; t < threads; ++t) pthread_join(ids[t], NULL);
  pthread_barrier_destroy(&barrier);
  qsort(rate, kRepetitions, sizeof rate[0], rising);
  printf(", \"%s\": {\"median\": %.5g, \"best\": %.5g}", name, rate[kRepetitions / 2], rate[kRepetitions - 1]);
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : 0;
  if (threads < 1 || threads > kMaxThreads) {
    fprintf(stderr, "usage: roof THREADS (1 to %d)\n", kMaxThreads);
    return 2;
  }
  void *memory[kMaxThreads] = {NULL}, *huge[kMaxThreads];
  for (int t = 0; t < threads; ++t) {
    memory[t] = aligned_alloc(kHugePage, kBytes);
    huge[t] = aligned_alloc(kHugePage, kBytes);
    if (!memory[t] || !huge[t]) return 1;
    madvise(huge[t], kBytes, MADV_HUGEPAGE);
    memset(memory[t], t + 1, kBytes);  // an untouched page is not memory yet
    memset(huge[t], t + 1, kBytes);
  }
  printf("{\"threads\": %d", threads);
  measure("cycles_per_s", cycles, threads, memory);
  measure("fp32_flop_per_s", fp32, threads, memory);
#if defined(__AVX512BF16__)
  measure("bf16_flop_per_s", bf16, threads, memory);
#endif
#if defined(__AVX512VNNI__)
  measure("int8_op_per_s", int8, threads, memory);
#endif
  measure("read_byte_per_s", read_memory, threads, memory);
  measure("read_huge_pages_byte_per_s", read_memory, threads, huge);
  printf("}\n");
  return 0;
}
