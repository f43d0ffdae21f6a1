//! The server programs that only the matrix has: one for each profile that can be had and given work here,
//! and what starts such programs.

use crate::row::{Cleans, Protocol, Server, Work};
use crate::servers::COMMON;

/// In the order of the profiles.
pub(crate) const OTHERS: &[Server] = &[
    served(
        "web",
        "uvicorn",
        "Uvicorn",
        "uvicorn asgi:app --host 0.0.0.0 --port 8000",
    ),
    served(
        "web",
        "hypercorn",
        "Hypercorn",
        "hypercorn --bind 0.0.0.0:8000 asgi:app",
    ),
    drops(served(
        "web",
        "daphne",
        "Daphne",
        "daphne -b 0.0.0.0 -p 8000 asgi:app",
    )),
    served(
        "web",
        "granian",
        "Granian",
        "granian --interface asgi --host 0.0.0.0 --port 8000 asgi:app",
    ),
    served(
        "web",
        "waitress",
        "Waitress",
        "waitress-serve --listen=0.0.0.0:8000 --threads=12 wsgi:app",
    ),
    drops(Server {
        name: "flask-run",
        system: "`flask run`",
        profile: "flask",
        cleans: Cleans::No,
        line: "flask --app api run --host 0.0.0.0 --port 8000",
        ..COMMON
    }),
    drops(Server {
        name: "runserver",
        system: "`manage.py runserver`",
        profile: "django",
        cleans: Cleans::No,
        dir: "/app/site",
        line: "python3 manage.py runserver 0.0.0.0:8000",
        ..COMMON
    }),
    worker("rq", "RQ", "queue", "rq_tasks", "rq worker -c settings"),
    worker(
        "dramatiq",
        "Dramatiq",
        "queue",
        "dramatiq_tasks",
        "dramatiq dramatiq_tasks --processes 1 --threads 1",
    ),
    worker(
        "huey",
        "Huey",
        "queue",
        "huey_tasks",
        "huey_consumer huey_tasks.huey",
    ),
    worker(
        "sidekiq",
        "Sidekiq",
        "ruby",
        "sidekiq_tasks",
        "sidekiq -r ./work.rb -c 1",
    ),
    served("web", "nginx", "nginx", "nginx -c /app/foreground.conf"),
    served(
        "web",
        "httpd",
        "Apache httpd",
        "apache2 -f /app/httpd.conf -DFOREGROUND",
    ),
    served("web", "haproxy", "HAProxy", "haproxy -f /app/haproxy.cfg"),
    Server {
        profile: "haproxy",
        ..served(
            "web",
            "haproxy-master",
            "HAProxy with a master",
            "haproxy -W -f /app/haproxy.cfg",
        )
    },
    drops(served(
        "web",
        "envoy",
        "Envoy",
        "envoy --concurrency 1 -c /app/envoy.yaml",
    )),
    drops(Server {
        work: Work::Requests(Protocol::FastCgi("/app/orders.php")),
        ..served(
            "php",
            "php-fpm",
            "PHP-FPM",
            "php-fpm -F -y /app/php-fpm.conf",
        )
    }),
    served("ruby", "puma", "Puma", "puma -b tcp://0.0.0.0:8000 -t 8:8"),
    served("ruby", "unicorn", "Unicorn", "unicorn -c unicorn.rb"),
    served(
        "node",
        "pm2-runtime",
        "pm2-runtime",
        "pm2-runtime server.js",
    ),
    served(
        "web",
        "supervisord",
        "supervisord",
        "supervisord -c /app/supervisord.conf",
    ),
    served("web", "s6", "s6-svscan", "s6-svscan /app/services"),
    served("web", "honcho", "Honcho", "honcho start"),
    served("ruby", "foreman", "Foreman", "foreman start"),
    drops(served("java", "tomcat", "Tomcat", "catalina.sh run")),
    served(
        "spring",
        "spring-boot",
        "Spring Boot",
        "java -cp /app/spring org.springframework.boot.loader.launch.JarLauncher",
    ),
    Server {
        profile: "spring-boot",
        variant: "3.3",
        ..served(
            "spring",
            "spring-boot-33",
            "Spring Boot",
            "java -cp /app/spring33 org.springframework.boot.loader.launch.JarLauncher",
        )
    },
    served("java", "java", "Java", "java -cp /app Shop"),
    drops(Server {
        profile: "java",
        ..served(
            "java",
            "java-bare",
            "Java without a shutdown hook",
            "java -cp /app Shop bare",
        )
    }),
    go("go", "Go", "shop"),
    drops(go("go-bare", "Go without a handler", "shop -bare")),
    served("node", "node", "Node.js", "node server.js"),
    drops(Server {
        profile: "node",
        ..served(
            "node",
            "node-bare",
            "Node.js without a handler",
            "node bare.js",
        )
    }),
    Server {
        work: Work::Requests(Protocol::Postgres),
        // One that was killed has to repair its data when it starts again.
        cleans: Cleans::Removes("postgres.pid"),
        user: Some(70),
        ..served(
            "data",
            "postgres",
            "PostgreSQL",
            "postgres -D /app/postgres",
        )
    },
    Server {
        work: Work::Requests(Protocol::Redis),
        cleans: Cleans::Logged("redis.log", "DB saved on disk"),
        ..served("data", "redis", "Redis", "redis-server /app/redis.conf")
    },
    launcher("npm", "npm", "npm start"),
    launcher("npm9", "npm 9", "/opt/npm9/node_modules/.bin/npm start"),
    launcher("yarn", "Yarn 1", "yarn start"),
    launcher("pnpm", "pnpm", "pnpm start"),
];

/// The profiles that are not in the matrix, and why.
pub(crate) const LEFT_OUT: &[(&str, &str)] = &[
    ("airflow", "runs Celery's worker, which is in it"),
    ("celery-multi", "starts Celery's workers and ends"),
    (
        "celery-beat",
        "does no work of its own that could be cut off",
    ),
    (
        "traefik",
        "in none of the package indexes that the images are built from",
    ),
    (
        "caddy",
        "answers nothing slowly without a slow server behind it",
    ),
    (
        "dotnet",
        "in none of the package indexes that the images are built from",
    ),
    ("erlang", "what runs in it decides"),
    (
        "ruby",
        "what runs in it decides: Puma, Unicorn and Sidekiq are in it",
    ),
    ("perl", "what runs in it decides"),
    ("php", "what runs in it decides: PHP-FPM is in it"),
    ("sleep", "does no work"),
    ("tail", "does no work"),
    ("cat", "does no work of its own"),
    ("yes", "does no work"),
    ("tee", "does no work of its own"),
    ("nc", "does no work of its own"),
];

/// A daemon behind a process that only idles.
pub(crate) const NGINX_DAEMON: &Server = &Server {
    name: "nginx-daemon",
    profile: "nginx",
    variant: "`nginx && tail -f /dev/null`",
    ..served(
        "web",
        "",
        "nginx",
        "nginx -c /app/nginx.conf && tail -f /dev/null",
    )
};

const fn served(
    image: &'static str,
    name: &'static str,
    system: &'static str,
    line: &'static str,
) -> Server {
    Server {
        image,
        name,
        system,
        profile: name,
        line,
        cleans: Cleans::No,
        ..COMMON
    }
}

/// A program in Go, of which softstop can know nothing.
const fn go(name: &'static str, system: &'static str, line: &'static str) -> Server {
    Server {
        profile: "",
        ..served("go", name, system, line)
    }
}

/// A program that starts Node.js.
const fn launcher(name: &'static str, system: &'static str, line: &'static str) -> Server {
    Server {
        profile: "node",
        ..served("node", name, system, line)
    }
}

const fn worker(
    name: &'static str,
    system: &'static str,
    image: &'static str,
    module: &'static str,
    line: &'static str,
) -> Server {
    Server {
        work: Work::Tasks(module),
        cleans: Cleans::Noted,
        ..served(image, name, system, line)
    }
}

/// A program that cannot be made to end without losing work: a longer drain delay is all that can be had.
const fn drops(server: Server) -> Server {
    Server {
        drains: false,
        ..server
    }
}
