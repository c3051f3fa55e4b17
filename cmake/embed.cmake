# embed_files(TARGET NAME FILES...): compiles text files into TARGET as tokwatt::embedded::NAME(), a span of {path, text}.
# The program then needs no data folder beside it; paths are relative to the project, as error messages show them.
function(embed_files target name)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cpp)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DNAME=${name} -DROOT=${PROJECT_SOURCE_DIR} "-DFILES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/cmake/write_embedded.cmake
    DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/cmake/write_embedded.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
