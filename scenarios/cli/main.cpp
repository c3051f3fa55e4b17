// The tokwatt program. Everything it does is in the scenarios library, where tests reach it too.
#include <iostream>

#include "scenarios/cli/program.hpp"

int main(int argc, char** argv) {
  using namespace tokwatt::cli;
  return run_program({argv + 1, argv + argc}, Terminal::of_this_process(std::cout, std::cerr));
}
