#pragma once
// The sheets and scenarios that come with the program, compiled in (cmake/embed.cmake), so that it runs from anywhere.
#include <span>
#include <string_view>

namespace tokwatt::embedded {

struct File {
  std::string_view path;  // relative to the project, e.g. hardware/sheets/dgx-spark.yaml
  std::string_view text;
};

std::span<const File> boxes();
std::span<const File> links();
std::span<const File> models();
std::span<const File> quants();
std::span<const File> engines();
std::span<const File> calibrations();
std::span<const File> tariffs();
std::span<const File> apis();
std::span<const File> rentals();
std::span<const File> ready_made();  // scenarios
std::span<const File> ready_made_studies();

}  // namespace tokwatt::embedded
