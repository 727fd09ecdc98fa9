/* Lets a process see another x86-64 processor: the instruction `cpuid` traps, and its answer is changed.
 *
 *     cc -shared -fPIC -o disguise.so scripts/disguise_processor.c
 *     DISGUISE=zen2 LD_PRELOAD=$PWD/disguise.so python ...
 *
 * Only what a processor says of itself is changed; what an approximate instruction computes stays that of the real one.
 * Needs Linux and a processor with CPUID faulting (`cpuid_fault` in /proc/cpuinfo): arch_prctl(2), ARCH_SET_CPUID.
 * Bits: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define HASWELL_SIGNATURE 0x000306f2 /* family 6, model 63 */
#define ZEN2_SIGNATURE 0x00830f10    /* family 23, model 49 */
/* Leaf 7, EBX. Both: FSGSBASE, BMI1, AVX2, SMEP, BMI2, ERMS, INVPCID; Zen 2 as well: RDSEED, ADX, SHA. */
#define COMMON_FEATURES (1u << 0 | 1u << 3 | 1u << 5 | 1u << 7 | 1u << 8 | 1u << 9 | 1u << 10)
#define ZEN2_FEATURES (1u << 18 | 1u << 19 | 1u << 29)
#define X87_SSE_AVX_STATE 7u
#define HYPERVISOR_LEAVES 0x40000000u

static int is_zen2;
static struct sigaction before;

static void let_cpuid(unsigned long allowed) { syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed); }

static void answer(int signal, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *code = (const unsigned char *)registers[REG_RIP];
  if (info->si_code != SI_KERNEL || code[0] != 0x0f || code[1] != 0xa2) { /* a fault of another kind comes again */
    sigaction(signal, &before, NULL);
    return;
  }
  unsigned a, b, c, d, leaf = (unsigned)registers[REG_RAX], subleaf = (unsigned)registers[REG_RCX];
  let_cpuid(1);
  __cpuid_count(leaf, subleaf, a, b, c, d);
  let_cpuid(0);
  if (leaf == 0 && is_zen2) {
    memcpy(&b, "Auth", 4);
    memcpy(&d, "enti", 4);
    memcpy(&c, "cAMD", 4);
  } else if (leaf == 1) {
    a = is_zen2 ? ZEN2_SIGNATURE : HASWELL_SIGNATURE;
  } else if (leaf == 7 && subleaf == 0) {
    b &= COMMON_FEATURES | (is_zen2 ? ZEN2_FEATURES : 0);
    a = c = d = 0;
  } else if (leaf == 0xd && subleaf == 0) {
    a &= X87_SSE_AVX_STATE;
  } else if (leaf == 7 || (leaf > 0xd && leaf < HYPERVISOR_LEAVES)) { /* AVX-512, AMX, AVX10 and their like */
    a = b = c = d = 0;
  }
  registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void disguise(void) {
  const char *name = getenv("DISGUISE");
  if (!name) return;
  is_zen2 = !strcmp(name, "zen2");
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, &before);
  if ((!is_zen2 && strcmp(name, "haswell")) || syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0ul)) {
    fprintf(stderr, "DISGUISE=%s: cannot be done here\n", name);
    _exit(2);
  }
}
