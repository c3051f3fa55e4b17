# HDF5_INCLUDE_DIRS, HDF5_C_LIBRARIES and HDF5_C_HL_LIBRARIES. The shared library reads over networks too and brings curl and some
# thirty others along, which take longer to load (10 ms) than most commands take: programs get the static one where there is one.
# Its code cannot move, so an extension of Python gets the shared one.
if(NOT TOKWATT_PYTHON)
  set(HDF5_USE_STATIC_LIBRARIES ON)
  find_package(HDF5 QUIET COMPONENTS C HL)
  list(FILTER HDF5_C_LIBRARIES EXCLUDE REGEX "curl|crypto|ssl")  # for those networks
  list(FILTER HDF5_C_HL_LIBRARIES EXCLUDE REGEX "curl|crypto|ssl")
endif()
if(NOT HDF5_FOUND)
  set(HDF5_USE_STATIC_LIBRARIES OFF)
  find_package(HDF5 REQUIRED COMPONENTS C HL)
endif()
