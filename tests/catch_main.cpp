#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <iostream>

// ctest hands a test's name to this program as its only argument, and a name that looks like an option would be taken
// for one: "-o makes a folder" then runs everything, passes, and leaves a file. So no name may begin with a dash.
int main(int argc, char* argv[]) {
  for (const auto& test : Catch::getRegistryHub().getTestCaseRegistry().getAllTests()) {
    if (test.name.starts_with('-')) {
      std::cerr << "the test \"" << test.name << "\" cannot be run by its name: it begins with a dash\n";
      return 2;
    }
  }
  return Catch::Session().run(argc, argv);
}
