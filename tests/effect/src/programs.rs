//! The server programs that only the matrix has: one for each profile that can be had and given work here,
//! and what starts such programs.

use crate::row::{Protocol, Server, Work};
use crate::servers::COMMON;

/// In the order of the profiles.
pub(crate) const OTHERS: &[Server] = &[
    web(
        "uvicorn",
        "Uvicorn",
        "uvicorn asgi:app --host 0.0.0.0 --port 8000",
    ),
    web(
        "hypercorn",
        "Hypercorn",
        "hypercorn --bind 0.0.0.0:8000 asgi:app",
    ),
    drops(web(
        "daphne",
        "Daphne",
        "daphne -b 0.0.0.0 -p 8000 asgi:app",
    )),
    web(
        "granian",
        "Granian",
        "granian --interface asgi --host 0.0.0.0 --port 8000 asgi:app",
    ),
    web(
        "waitress",
        "Waitress",
        "waitress-serve --listen=0.0.0.0:8000 --threads=12 wsgi:app",
    ),
    drops(Server {
        name: "flask-run",
        system: "`flask run`",
        profile: "flask",
        cleans: false,
        line: "flask --app api run --host 0.0.0.0 --port 8000",
        ..COMMON
    }),
    drops(Server {
        name: "runserver",
        system: "`manage.py runserver`",
        profile: "django",
        cleans: false,
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
    web("nginx", "nginx", "nginx -c /app/foreground.conf"),
    web(
        "httpd",
        "Apache httpd",
        "apache2 -f /app/httpd.conf -DFOREGROUND",
    ),
    web("haproxy", "HAProxy", "haproxy -f /app/haproxy.cfg"),
    Server {
        profile: "haproxy",
        ..web(
            "haproxy-master",
            "HAProxy with a master",
            "haproxy -W -f /app/haproxy.cfg",
        )
    },
    drops(web(
        "envoy",
        "Envoy",
        "envoy --concurrency 1 -c /app/envoy.yaml",
    )),
    drops(Server {
        image: "php",
        work: Work::Requests(Protocol::FastCgi("/app/orders.php")),
        ..web("php-fpm", "PHP-FPM", "php-fpm -F -y /app/php-fpm.conf")
    }),
    ruby("puma", "Puma", "puma -b tcp://0.0.0.0:8000 -t 8:8"),
    ruby("unicorn", "Unicorn", "unicorn -c unicorn.rb"),
    node("pm2-runtime", "pm2-runtime", "pm2-runtime server.js"),
    web(
        "supervisord",
        "supervisord",
        "supervisord -c /app/supervisord.conf",
    ),
    web("s6", "s6-svscan", "s6-svscan /app/services"),
    web("honcho", "Honcho", "honcho start"),
    ruby("foreman", "Foreman", "foreman start"),
    drops(java("tomcat", "Tomcat", "catalina.sh run")),
    java("java", "Java", "java -cp /app Shop"),
    drops(Server {
        profile: "java",
        ..java(
            "java-bare",
            "Java without a shutdown hook",
            "java -cp /app Shop bare",
        )
    }),
    go("go", "Go", "shop"),
    drops(go("go-bare", "Go without a handler", "shop -bare")),
    node("node", "Node.js", "node server.js"),
    drops(Server {
        profile: "node",
        ..node("node-bare", "Node.js without a handler", "node bare.js")
    }),
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
    ("spring-boot", "its images would need a build tool for Java"),
    (
        "dotnet",
        "in none of the package indexes that the images are built from",
    ),
    ("erlang", "what runs in it decides"),
    (
        "postgres",
        "what it may lose is in its clients' transactions and on its disk, not in requests",
    ),
    ("redis", "what it may lose is on its disk, not in requests"),
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
    ..web("", "nginx", "nginx -c /app/nginx.conf && tail -f /dev/null")
};

const fn web(name: &'static str, system: &'static str, line: &'static str) -> Server {
    Server {
        name,
        system,
        profile: name,
        line,
        image: "web",
        cleans: false,
        ..COMMON
    }
}

const fn ruby(name: &'static str, system: &'static str, line: &'static str) -> Server {
    Server {
        image: "ruby",
        ..web(name, system, line)
    }
}

const fn java(name: &'static str, system: &'static str, line: &'static str) -> Server {
    Server {
        image: "java",
        ..web(name, system, line)
    }
}

const fn go(name: &'static str, system: &'static str, line: &'static str) -> Server {
    Server {
        image: "go",
        profile: "",
        ..web(name, system, line)
    }
}

const fn node(name: &'static str, system: &'static str, line: &'static str) -> Server {
    Server {
        image: "node",
        ..web(name, system, line)
    }
}

/// A program that starts Node.js.
const fn launcher(name: &'static str, system: &'static str, line: &'static str) -> Server {
    Server {
        profile: "node",
        ..node(name, system, line)
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
        image,
        work: Work::Tasks(module),
        cleans: true,
        ..web(name, system, line)
    }
}

/// A program that cannot be made to end without losing work: a longer drain delay is all that can be had.
const fn drops(server: Server) -> Server {
    Server {
        drains: false,
        ..server
    }
}
