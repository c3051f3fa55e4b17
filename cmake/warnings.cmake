# Every warning is an error; each has its reason beside it.
add_library(tokwatt_warnings INTERFACE)
target_compile_options(tokwatt_warnings INTERFACE
  -Wall -Wextra -Werror
  -Wshadow                # a hidden variable is a wrong variable
  -Wconversion            # silent narrowing of a count or a picosecond is a wrong answer
  -Wnon-virtual-dtor -Woverloaded-virtual
  -Wold-style-cast        # a C cast hides which conversion is meant
  -Wduplicated-cond -Wlogical-op
  -Wdouble-promotion      # everything here is a double
  -Wno-maybe-uninitialized  # GCC 12 at -O3 loses track of std::variant and std::optional (GCC bug 105562)
  -Wno-restrict           # GCC 12 sees overlaps in "text" + std::string at -O3 that are not there (GCC bug 105651)
  -ffp-contract=off       # the same doubles on every x86-64 machine (rule 11)
)
if(TOKWATT_SANITIZE)
  target_compile_options(tokwatt_warnings INTERFACE -fsanitize=${TOKWATT_SANITIZE} -fno-omit-frame-pointer -Wno-uninitialized)
  target_link_options(tokwatt_warnings INTERFACE -fsanitize=${TOKWATT_SANITIZE})
endif()
