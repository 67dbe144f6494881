package dev.jshim.it;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** What runs in {@code ./dev test --all} alone, for the time that it takes. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@EnabledIfSystemProperty(named = "jshim.test.all", matches = "true", disabledReason = "takes long: ./dev test --all")
@interface LongRun {}
