// The tokwatt program. Everything it does is in the scenarios library, where tests reach it too.
#include <malloc.h>

#include <iostream>

#include "scenarios/cli/program.hpp"

int main(int argc, char** argv) {
  using namespace tokwatt::cli;
  // Columns grow to megabytes: what they leave behind is taken again, not given back to the system page by page.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  return run_program({argv + 1, argv + argc}, Terminal::of_this_process(std::cout, std::cerr));
}
